// `npm run default-policy`: writes the canonical JSON of the default policy bundle, which the services read, from its YAML files.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from './setup.mjs';

const { checkDefaultBundle } = createRequire(import.meta.url)('@bailiwick/policy/default-bundle');
const file = join(root, 'libs', 'policy', 'default', 'default.json');
const { canonical, digest, value } = checkDefaultBundle();
writeFileSync(file, `${canonical}\n`);
console.log(`${file}: ${digest}`);

// the fold keeps what the rules of the release need, so it has them as a module
const rules = (value.rules ?? []).map(({ examples: _, ...rule }) => rule);
const target = join(root, 'libs', 'authority', 'src', 'sequences', 'shipped-rules.ts');
const text = `import type { StatedRule } from '@bailiwick/contracts/policy/rule';

/** The rules of the default policy bundle, without their examples. Written by \`npm run default-policy\`. */
export const SHIPPED_RULES: readonly StatedRule[] = ${JSON.stringify(rules)};
`;
writeFileSync(target, await format(text, { ...(await resolveConfig(target)), filepath: target }));
console.log(target);
