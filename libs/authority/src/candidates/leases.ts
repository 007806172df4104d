import type { LeaseView, LeasesView, PrincipalsView } from '@bailiwick/contracts/queries/candidates';
import { current, type GrantNode, type LogState } from '../state/state';

/*
 * What a search of the AuthZEN API tries. Being listed here permits nothing: each candidate is decided like a call.
 */

/** Reports whether a lease may be live; a decision checks its whole chain. */
const isOpen = ({ status, supersededBy, expiresAt }: GrantNode, now: number): boolean =>
  status === 'active' && supersededBy === undefined && now < expiresAt;

/** Returns the index of the first lease that was issued after a position. */
function firstAfter(order: readonly GrantNode[], position: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle] as GrantNode).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

const viewOf = ({ id, runId, position }: GrantNode): LeaseView => ({ grantId: id, runId, position });

/**
 * Lists the open leases in the order of their issue.
 * @param after the position of the last lease of the previous page
 * @param most leases returned, and `visited` leases read; the page is short if there are many others between them
 */
export function openLeases(state: LogState, after: number, most: number, visited: number, now: number): LeasesView {
  const { order, grants } = state;
  const items: LeaseView[] = [];
  const first = firstAfter(order, after);
  for (let at = first; at < order.length; at++) {
    const grant = order[at] as GrantNode;
    if (items.length === most || at - first === visited) return { items, next: (order[at - 1] as GrantNode).position };
    if (grants.has(grant.id) && isOpen(grant, now)) items.push(viewOf(grant));
  }
  return { items, next: null };
}

/** Lists the newest open root leases in the name of a person, newest first. */
export function leasesOf(
  state: LogState,
  principalRef: string,
  most: number,
  visited: number,
  now: number,
): LeasesView {
  const { order, runs, grants } = state;
  const items: LeaseView[] = [];
  const last = Math.max(0, order.length - visited);
  for (let at = order.length - 1; at >= last && items.length < most; at--) {
    const grant = order[at] as GrantNode;
    if (grant.parentId === undefined && grants.has(grant.id) && isOpen(grant, now))
      if (runs.get(grant.runId)?.principalRef === principalRef) items.push(viewOf(grant));
  }
  return { items, next: null };
}

/** Returns the lease of a run; undefined if it has none. */
export function leaseOfRun(state: LogState, runId: string): LeaseView | undefined {
  const grant = current(state, state.runs.get(runId)?.grantId ?? '');
  return grant && viewOf(grant);
}

/**
 * Lists the people in whose names root leases are open, in the order of the first such lease, each once.
 * @param after the position of the first lease of the last person of the previous page
 */
export function principals(state: LogState, after: number, most: number, visited: number, now: number): PrincipalsView {
  const { order, runs, grants } = state;
  const seen = new Set<string>();
  const items: PrincipalsView['items'] = [];
  const start = Math.max(0, order.length - visited);
  for (let at = start; at < order.length; at++) {
    const grant = order[at] as GrantNode;
    if (grant.parentId !== undefined || !grants.has(grant.id) || !isOpen(grant, now)) continue;
    const ref = runs.get(grant.runId)?.principalRef;
    if (ref === undefined || seen.has(ref)) continue;
    seen.add(ref);
    if (grant.position <= after) continue;
    if (items.length === most) return { items, next: items.at(-1)?.position ?? null };
    items.push({ principalRef: ref, runId: grant.runId, position: grant.position });
  }
  return { items, next: null };
}
