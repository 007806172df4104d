import { resolve } from 'node:path';
import { MUTATIONS, type Mutation } from './mutations';

/** A broken rule must show within this number of seeds. */
const MAX_SEEDS = 400;
const ROOT = resolve(__dirname, '..', '..');

export interface Attempt {
  readonly name: string;
  readonly caught: { readonly seed: number; readonly says: string } | undefined;
}

/**
 * Breaks one rule after another in the sources that this process loads, and simulates until a check fails. Requires that
 * `register.cjs` loads the sources.
 */
export async function* tryMutations(only = '', often = false): AsyncGenerator<Attempt> {
  for (const mutation of MUTATIONS) {
    if (!mutation.name.includes(only) || (often && !mutation.often)) continue;
    yield { name: mutation.name, caught: await withMutation(mutation) };
  }
}

async function withMutation(mutation: Mutation): Promise<Attempt['caught']> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const sources = require('../support/register.cjs') as {
    change: (filename: string, source: string) => string;
  };
  const unchanged = sources.change;
  let found = 0;
  sources.change = (filename, source) => {
    if (filename.endsWith('mutations.ts')) return source;
    found += source.split(mutation.from).length - 1;
    return source.replace(mutation.from, () => mutation.to);
  };
  try {
    forgetSources();
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { simulateMany } = require('./many') as typeof import('./many');
    if (found !== 1) throw new Error(`${mutation.name}: its text occurs ${found} times in the sources, expected once`);
    const { failed } = await simulateMany(1, MAX_SEEDS, ({ failed: some }) => some.length > 0);
    const [first] = failed;
    return first && { seed: first.seed, says: first.failure?.message.slice(0, 200) ?? '' };
  } finally {
    sources.change = unchanged;
    forgetSources();
  }
}

/** Clears the module cache so that the sources are loaded again. */
function forgetSources(): void {
  for (const filename of Object.keys(require.cache))
    if (filename.startsWith(ROOT) && filename.endsWith('.ts')) Reflect.deleteProperty(require.cache, filename);
}
