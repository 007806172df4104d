import type { Limits } from '@bailiwick/contracts/grants/grant';
import { meetAll } from '../../dimensions/all';
import type { GrantNode, LogState } from '../../state/state';

const NONE: readonly never[] = [];

/**
 * Returns the limits of narrowed ancestors, as they apply on the level of the first grant of the chain. A grant was
 * within all its ancestors when it was issued (I1), so its limits suffice as the bound of a child, unless an ancestor
 * was narrowed since: then a child within its parent would look wider than what it can do.
 */
export function narrowedAbove(state: LogState, chain: readonly GrantNode[]): readonly Limits[] {
  if (state.narrowed.size === 0) return NONE;
  return chain.slice(1).flatMap(({ id, limits }, i) => (state.narrowed.has(id) ? [levelsBelow(limits, i + 1)] : []));
}

const levelsBelow = (limits: Limits, levels: number): Limits => ({
  ...limits,
  delegation: { ...limits.delegation, depth: Math.max(limits.delegation.depth - levels, 0) },
});

/** Returns what a lease can do under narrowed ancestors. It keeps its own key. */
export const metBy = (limits: Limits, bounds: readonly Limits[]): Limits =>
  bounds.length === 0 ? limits : { ...bounds.reduce(meetAll, limits), session: limits.session };
