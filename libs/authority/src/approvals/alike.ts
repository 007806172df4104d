import type { ApprovalNode, LogState } from '../state/state';

/** Pending calls of one task with the same verb and type of resource, shown together. */
export interface Alike {
  readonly count: number;
  /** minor units by currency */
  readonly cost: Record<string, number>;
}

/** The newest requests of a tree that are compared with one: more are not shown on one page. */
const COMPARED = 1_000;

/** Returns how many pending calls are like this one, itself included, and their sum; undefined if there is no other. */
export function alikeOf(state: LogState, approval: ApprovalNode): Alike | undefined {
  if (approval.kind !== 'action' || approval.status !== 'pending') return undefined;
  const others = state.trees.get(approval.treeId)?.approvals.slice(-COMPARED) ?? [];
  const alike = others.filter(
    ({ status, verb, resource }) =>
      status === 'pending' && verb === approval.verb && resource?.type === approval.resource?.type,
  );
  if (alike.length < 2) return undefined;
  const cost: Record<string, number> = {};
  for (const each of alike)
    for (const [currency, amount] of Object.entries(each.call?.cost ?? {}))
      cost[currency] = (cost[currency] ?? 0) + amount;
  return { count: alike.length, cost };
}
