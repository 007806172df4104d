import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkBundle, type BundleFiles, type CheckedBundle } from './bundle';
import { problemText } from './problem';

/** The same folder from `src` and from `dist`. */
const FOLDER = join(__dirname, '..', 'default');

/** Reads the files of the default bundle, which is part of this package. */
export function readDefaultBundle(): BundleFiles {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]));
}

/** Returns the checked default bundle, with its tests. @throws Error if it has problems, which its tests exclude */
export function checkDefaultBundle(): CheckedBundle {
  const checked = checkBundle(readDefaultBundle());
  if (checked.ok) return checked.value;
  throw new Error(`the default policy bundle has problems:\n${checked.error.map(problemText).join('\n')}`);
}
