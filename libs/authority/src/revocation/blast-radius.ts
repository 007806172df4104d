import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { namesVerb } from '@bailiwick/contracts/revocations/stored-selector';
import { NearClasses } from './counting/near-classes';
import { Tally } from './counting/tally';
import { counts, Reach, type Meant, type Reached } from './reach';
import type { ActionNode, ApprovalNode, GrantNode, LogState } from '../state/state';

/** Counts the blast radius in one step. */
export const preview = (state: LogState, meant: Meant, now: number): PreviewView => {
  const pieces = previewInPieces(state, meant, now, Infinity);
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
  }
};

/**
 * Counts the blast radius: everything that a revocation would reach, before it is made. This walks the whole state,
 * which the revocation itself never does, so it pauses after every few leases to let decisions proceed.
 *
 * The result applies to the position at which the count started. Grants and requests from later positions are not
 * counted, and the revocation finds them by their position; those that end during the count may or may not be counted.
 */
export function* previewInPieces(
  state: LogState,
  meant: Meant,
  now: number,
  unitsPerPiece: number,
  asOf = state.next, // evaluated at the call, not with the first piece
): Generator<void, PreviewView> {
  const reach = new Reach(state, meant, now, asOf);
  const tallies: Record<RevocationTarget, Tally> = { tool: new Tally(state, now), leases: new Tally(state, now) };
  const both: readonly RevocationTarget[] = namesVerb(meant.selector) ? ['tool', 'leases'] : ['leases'];
  const near = new NearClasses(meant.selector);
  yield* visitAll(state, reach, unitsPerPiece, {
    grant: (grant, reached) => {
      for (const target of both) if (counts(reached, target)) tallies[target].grant(grant);
      if (near.isAsked && isOpen(grant, now))
        near.add(state.runs.get(grant.runId)?.agent.class ?? '', counts(reached, reach.target));
    },
    approval: (approval, reached) => {
      for (const target of both) if (counts(reached, target)) tallies[target].approval(approval);
    },
    action: (action, reached) => {
      for (const target of both) if (counts(reached, target)) tallies[target].action(action);
    },
  });
  const tally = tallies[reach.target];
  const identity = { selector: meant.selector, target: reach.target, quarantine: meant.quarantine ?? false, asOf };
  return {
    ...tally.view(identity),
    counts: tally.counts,
    ...(near.list.length > 0 ? { near: near.list } : {}),
    ...(both.length === 1
      ? {}
      : { target: reach.target, targets: { tool: tallies.tool.counts, leases: tallies.leases.counts } }),
    asOf,
  };
}

/** Reports whether a revocation would reach anything that a preview counts; it ends with the first that it finds. */
export function* reachesInPieces(
  state: LogState,
  meant: Meant,
  now: number,
  unitsPerPiece: number,
  asOf = state.next,
): Generator<void, boolean> {
  const reach = new Reach(state, meant, now, asOf);
  const isReached = (_: unknown, reached: Reached): boolean => counts(reached, reach.target);
  return yield* visitAll(state, reach, unitsPerPiece, { grant: isReached, approval: isReached, action: isReached });
}

interface Visitor {
  /** each ends the visit by `true` */
  grant(grant: GrantNode, reached: Reached): boolean | void;
  approval(approval: ApprovalNode, reached: Reached): boolean | void;
  action(action: ActionNode, reached: Reached): boolean | void;
}

/** Visits what is older than the reach, with a pause after every few leases. Returns whether the visitor ended it. */
function* visitAll(state: LogState, reach: Reach, unitsPerPiece: number, visitor: Visitor): Generator<void, boolean> {
  const { asOf } = reach;
  let paused = 0;
  const isDue = (): boolean => {
    reach.work += 1;
    if (reach.work - paused < unitsPerPiece) return false;
    paused = reach.work;
    return true;
  };
  let last = asOf;
  for (let i = indexBefore(state.order, last); i >= 0;) {
    const grant = state.order[i] as GrantNode;
    last = grant.position;
    if (visitor.grant(grant, reach.grant(grant)) === true) return true;
    i -= 1;
    if (!isDue()) continue;
    yield;
    i = indexBefore(state.order, last); // forgotten grants have left the list since
  }
  for (const approval of state.waiting.since(0)) {
    if (approval.position < asOf && visitor.approval(approval, reach.approval(approval)) === true) return true;
    if (isDue()) yield;
  }
  for (const action of state.actions.values()) {
    if (action.position < asOf && visitor.action(action, reach.action(action)) === true) return true;
    if (isDue()) yield;
  }
  return false;
}

/** Reports whether a lease could still act, as far as it states itself. */
const isOpen = ({ status, expiresAt }: GrantNode, now: number): boolean =>
  (status === 'active' || status === 'suspended') && now < expiresAt;

/** Returns the index of the last grant before a position: the list is ordered by position. */
function indexBefore(order: readonly GrantNode[], position: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((order[middle] as GrantNode).position < position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
