import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileCatalog, type Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { sha256hex } from '@bailiwick/core/digest';

/**
 * The canonical JSON of the default bundle (RFC 8785), which `npm run default-policy` writes from its YAML files. Every
 * process reads it when it starts; to read and check the files takes it about half a second.
 */
const FILE = join(__dirname, '..', 'default', 'default.json'); // the same folder from `src` and from `dist`

/** The default bundle, as it is deployed. */
export interface DefaultBundle {
  readonly value: PolicyBundle;
  readonly canonical: string;
  /** `sha256:<hex>` */
  readonly digest: string;
  readonly catalog: Catalog;
}

/** @throws Error if the file is not that of a checked bundle, which a test excludes */
function readDefault(): DefaultBundle {
  const canonical = readFileSync(FILE, 'utf8').trimEnd();
  const value = JSON.parse(canonical) as PolicyBundle;
  const compiled = compileCatalog(value.catalog ?? []);
  if (!compiled.ok) throw new Error(`${FILE}: ${compiled.error.map(({ message }) => message).join('; ')}`);
  return { value, canonical, digest: `sha256:${sha256hex(canonical)}`, catalog: compiled.value };
}

/** The default bundle, read once per process. */
export const DEFAULT_BUNDLE = readDefault();
/** What verbs and tools mean unless a tenant deploys another bundle. */
export const DEFAULT_CATALOG = DEFAULT_BUNDLE.catalog;
