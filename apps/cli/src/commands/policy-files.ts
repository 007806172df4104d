import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { BundleFiles } from '@bailiwick/policy/bundle';

/** Entries of one file, so that each file is smaller than the largest that is read. */
const ENTRIES = 200;

/** Writes a bundle as files. JSON is YAML; the names of the files keep the order of the entries. */
export function filesOf(bundle: PolicyBundle): BundleFiles {
  const files: Record<string, string> = {};
  for (const [section, entries] of Object.entries(bundle))
    for (let i = 0; i < entries.length; i += ENTRIES)
      files[`${section}-${String(i).padStart(6, '0')}.yaml`] = JSON.stringify({
        [section]: entries.slice(i, i + ENTRIES),
      });
  return Object.keys(files).length > 0 ? files : { 'empty.yaml': '' };
}
