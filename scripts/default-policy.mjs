// `npm run default-policy`: writes the canonical JSON of the default policy bundle, which the services read, from its YAML files.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './setup.mjs';

const { checkDefaultBundle } = createRequire(import.meta.url)('@bailiwick/policy/default-bundle');
const file = join(root, 'libs', 'policy', 'default', 'default.json');
const { canonical, digest } = checkDefaultBundle();
writeFileSync(file, `${canonical}\n`);
console.log(`${file}: ${digest}`);
