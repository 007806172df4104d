import type { Limits } from '@bailiwick/contracts/grants/grant';
import { scopesOf } from '../state/scopes';
import { chainOf, type GrantNode, type LogState } from '../state/state';

/**
 * Takes the scopes that a raise or narrowing drops out of the permits in flight. If a later raise brings one back, it
 * counts from nothing, and the outcome of an earlier permit must not release there what it never reserved.
 */
export function dropScopes(state: LogState, { id, depth, limits: held, usage }: GrantNode, limits: Limits): void {
  if (usage.scopes === undefined) return;
  const kept = new Set(scopesOf(limits).map(({ key }) => key));
  const dropped = new Set(scopesOf(held).flatMap(({ key }) => (kept.has(key) ? [] : [key])));
  if (dropped.size === 0) return;
  for (const action of state.actions.values()) {
    const covered = action.covered?.filter(([at, key]) => at !== depth || !dropped.has(key));
    if (covered?.length === action.covered?.length) continue;
    if (!chainOf(state, action.grantId)?.some((grant) => grant.id === id)) continue;
    if (covered && covered.length > 0) action.covered = covered;
    else delete action.covered;
  }
}
