import type { Query, QueryClient } from '@tanstack/react-query';

/** The trees in which something changed, by the first member of the query keys that show it. `*`: in any tree. */
export type Changes = ReadonlyMap<string, ReadonlySet<string>>;

/** How a query states that it is expensive: it is not read again for this long after it was read. */
export interface QueryMeta extends Record<string, unknown> {
  readonly restMs?: number;
}

/**
 * Reads again what shows a change. A query that is being read now, or rests, is left for the next time: one that takes
 * longer than the changes are apart would otherwise be started again and again, and never end.
 * @param late the queries that were left the last time, by their hash
 * @returns those that are left now
 */
export function readAgain(
  queries: QueryClient,
  changes: Changes,
  late: ReadonlySet<string>,
  now: number,
): ReadonlySet<string> {
  const left = new Set<string>();
  void queries.invalidateQueries({
    predicate: (query) => {
      if (!late.has(query.queryHash) && !shows(query, changes)) return false;
      const { fetchStatus, dataUpdatedAt } = query.state;
      if (fetchStatus !== 'fetching' && now - dataUpdatedAt >= restOf(query)) return true;
      left.add(query.queryHash);
      return false;
    },
  });
  return left;
}

function shows({ queryKey: [kind, tree] }: Query, changes: Changes): boolean {
  const trees = changes.get(String(kind));
  return trees !== undefined && (!String(tree).startsWith('tre_') || trees.has(String(tree)) || trees.has('*'));
}

const restOf = ({ meta }: Query): number => (typeof meta?.restMs === 'number' ? meta.restMs : 0);
