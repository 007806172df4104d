/** Patterns of resource ids, and what they were generalized from. */
export interface IdPatterns {
  readonly patterns: readonly string[];
  readonly says: string;
}

/** Ids that are new in at most this share of runs are listed. */
const KNOWN = 0.34;
const MOST = 16;

/**
 * Generalizes the ids that runs had, as little as predicts the next run: the ids themselves, then their folders, then
 * the first segment that they share, then every name of their form.
 * @param byRun the ids of each run
 */
export function patternsOf(byRun: readonly ReadonlySet<string>[]): IdPatterns {
  const ids = new Set(byRun.flatMap((each) => [...each]));
  const says = (what: string): string =>
    `${what} of ${ids.size === 1 ? 'one id' : `${ids.size} ids`} in ${byRun.length} runs`;
  const levels: readonly [what: string, of: (id: string) => string][] = [
    ['the ids', (id) => id],
    ['the folders', (id) => id.replace(/[^/]+$/, '*')],
    ['the roots', rootOf],
  ];
  for (const [what, of] of levels) {
    const patterns = [...new Set([...ids].map(of))];
    if (patterns.length <= MOST && noveltyOf(byRun.map((each) => new Set([...each].map(of)))) <= KNOWN)
      return { patterns: patterns.sort(), says: says(what) };
  }
  return { patterns: [...new Set([...ids].map(formOf))].sort(), says: says('the forms') };
}

/** The scheme and the host of a URL, or the first segment of a path. */
const rootOf = (id: string): string => /^(https?:\/\/[^/]+|\/?[^/]+)(?=\/)/.exec(id)?.[0].concat('/**') ?? id;

const formOf = (id: string): string => (/^https?:\/\//.exec(id)?.[0] ?? (id.startsWith('/') ? '/' : '')) + '**';

function noveltyOf(byRun: readonly ReadonlySet<string>[]): number {
  const runs = new Map<string, number>();
  for (const each of byRun) for (const id of each) runs.set(id, (runs.get(id) ?? 0) + 1);
  // one run alone shows that its ids occur, and nothing about others
  if (byRun.length === 1) return 0;
  return byRun.filter((each) => [...each].some((id) => runs.get(id) === 1)).length / byRun.length;
}
