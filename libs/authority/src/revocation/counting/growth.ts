import type { PreviewCounts, PreviewView } from '@bailiwick/contracts/queries/query';

/** What a preview counted, as far as a later one is compared with it. */
export type Counted = Pick<PreviewView, 'counts' | 'byClass' | 'asOf'>;

/** How a later preview of the same revocation differs from an earlier one; what is equal is left out. */
export interface Growth {
  /** the position of the earlier preview */
  readonly since: number;
  readonly counts: Partial<Record<keyof PreviewCounts, number>>;
  readonly byClass: Readonly<Record<string, number>>;
}

const PLAIN = ['grants', 'runs', 'trees', 'agents', 'inFlight', 'pendingApprovals', 'pendingRuns'] as const;

/** Compares two previews of the same revocation. Leases that ended between them are counted off. */
export function growthOf(before: Counted, after: Counted): Growth {
  const counts: Growth['counts'] = {};
  for (const name of PLAIN) {
    const more = after.counts[name] - before.counts[name];
    if (more !== 0) counts[name] = more;
  }
  const names = new Set([...Object.keys(before.byClass), ...Object.keys(after.byClass)]);
  const byClass = Object.create(null) as Record<string, number>;
  for (const name of names) {
    const more = (after.byClass[name] ?? 0) - (before.byClass[name] ?? 0);
    if (more !== 0) byClass[name] = more;
  }
  return { since: before.asOf, counts, byClass };
}
