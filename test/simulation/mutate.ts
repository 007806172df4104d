import { resolve } from 'node:path';
import { MUTATIONS, type Mutation } from './mutations';

/** Seeds that a broken rule may stay hidden for. */
const MOST_SEEDS = 400;
const ROOT = resolve(__dirname, '..', '..');

export interface Tried {
  readonly name: string;
  readonly caught: { readonly seed: number; readonly says: string } | undefined;
}

/**
 * Breaks one rule after the other in the sources that this process loads, and simulates until that shows. Works only
 * where sources are loaded by `register.cjs`.
 */
export async function* tryMutations(only = '', often = false): AsyncGenerator<Tried> {
  for (const mutation of MUTATIONS) {
    if (!mutation.name.includes(only) || (often && !mutation.often)) continue;
    yield { name: mutation.name, caught: await withMutation(mutation) };
  }
}

async function withMutation(mutation: Mutation): Promise<Tried['caught']> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const sources = require('../support/register.cjs') as {
    change: (filename: string, source: string) => string;
  };
  const whole = sources.change;
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
    if (found !== 1)
      throw new Error(`${mutation.name}: its text stands ${found} times in the sources, and should once`);
    const { failed } = await simulateMany(1, MOST_SEEDS, ({ failed: some }) => some.length > 0);
    const [first] = failed;
    return first && { seed: first.seed, says: first.failure?.message.slice(0, 200) ?? '' };
  } finally {
    sources.change = whole;
    forgetSources();
  }
}

/** What is loaded next is loaded anew. */
function forgetSources(): void {
  for (const filename of Object.keys(require.cache))
    if (filename.startsWith(ROOT) && filename.endsWith('.ts')) Reflect.deleteProperty(require.cache, filename);
}
