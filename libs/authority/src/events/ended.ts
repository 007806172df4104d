import type { Event, EventType } from '@bailiwick/contracts/events/event';
import type { RunStatus } from '@bailiwick/contracts/grants/grant';
import { asideBy } from '../state/set-aside';
import type { Deadline } from '../state/deadlines';
import type { ActionNode, LogState, TreeNode } from '../state/state';

/*
 * A tree that has ended matters to no decision: nothing in it can act or start (I2). It is kept for a while, so that
 * late commands are answered with the reason why it ended. Then it is forgotten with its runs, leases and approvals, so
 * the size of the state does not grow with the age of the log. The log keeps it indefinitely; a response that needs it,
 * such as the response to a retry (I4), is built by folding its events alone.
 *
 * When a tree is forgotten depends only on the nodes and the time of the newest event: every fold forgets the same
 * trees at the same event (I10).
 */

/** Reports whether a run may still act, now or once it is granted or resumed. */
export const isGoing = (status: RunStatus): boolean =>
  status === 'pending' || status === 'active' || status === 'suspended';

/** Counts one more open item in a tree: a run that has not ended, a permit without an outcome, a pending approval. */
export function starts({ trees }: LogState, treeId: string): void {
  const tree = trees.get(treeId);
  if (tree) tree.going += 1;
}

export function ends({ trees }: LogState, treeId: string): void {
  const tree = trees.get(treeId);
  if (tree) tree.going -= 1;
}

/** Records a permit that sends, or may send, until its outcome: it must not disclose a secret that is read later. */
export function startsSending({ trees }: LogState, action: ActionNode): void {
  const tree = trees.get(action.treeId);
  if (tree && (action.charge.external > 0 || action.maySend))
    Object.assign(tree, { sending: [...tree.sending, action] });
}

export function endsSending({ trees }: LogState, action: ActionNode): void {
  const tree = trees.get(action.treeId);
  if (tree?.sending.includes(action)) Object.assign(tree, { sending: tree.sending.filter((each) => each !== action) });
}

/** Rebuilds the contents of each tree, and the list of ended trees, from the nodes of a snapshot. */
export function fillTrees(state: LogState): void {
  const { runs, grants, actions, approvals, trees, ended } = state;
  for (const run of runs.values()) {
    join(trees.get(run.treeId), 'runs', run);
    if (!isGoing(run.status)) continue;
    starts(state, run.treeId);
    state.openChildren.opened(run);
  }
  for (const grant of grants.values()) join(trees.get(grant.treeId), 'grants', grant);
  for (const action of actions.values()) {
    starts(state, action.treeId);
    startsSending(state, action);
  }
  for (const approval of approvals.values()) {
    join(trees.get(approval.treeId), 'approvals', approval);
    if (approval.status === 'pending') starts(state, approval.treeId);
  }
  const quiet = [...trees.values()].filter(({ quietAt }) => quietAt !== undefined);
  quiet.sort((a, b) => (a.quietAt as number) - (b.quietAt as number)).forEach((tree) => ended.add(tree));
}

/** Adds to a list. Most trees have one node of a kind: a list of one has no spare capacity. */
export function join<K extends 'runs' | 'grants' | 'approvals'>(
  tree: TreeNode | undefined,
  kind: K,
  node: TreeNode[K][number],
): void {
  if (!tree) return;
  if (tree[kind].length === 0) Object.assign(tree, { [kind]: [node] });
  else (tree[kind] as unknown[]).push(node);
}

/** Records that an event of a tree was folded: the time until an ended tree is forgotten restarts. */
export function touch(state: LogState, event: Event, at: number): void {
  const tree = event.treeId === undefined ? undefined : state.trees.get(event.treeId);
  if (!tree || asideBy(state, tree.id)) return; // a tree that is set aside is kept until an operator ends it
  if (tree.quietAt !== undefined) state.ended.take(tree);
  tree.quietAt = tree.going === 0 ? at : undefined;
  if (tree.quietAt !== undefined) state.ended.add(tree);
}

/** Forgets the trees whose time has come, with everything in them. */
export function forgetEnded(state: LogState, now: number): void {
  const { ended, runs, grants, trees, approvals, refusals, denialStreaks, narrowed, approvedBeyond, heldByRun } = state;
  const isStale = ({ expiresAt }: { expiresAt: number }): number => (expiresAt > now ? 1 : 0);
  for (const tree of ended.due(now)) {
    for (const run of tree.runs) {
      runs.delete(run.id);
      denialStreaks.delete(run.id);
    }
    for (const grant of tree.grants) {
      grants.delete(grant.id);
      narrowed.delete(grant.id);
      approvedBeyond.delete(grant.id);
      heldByRun.delete(grant.id);
      ended.stale += isStale(grant);
    }
    for (const approval of tree.approvals) {
      approvals.delete(approval.id);
      if (approval.asks !== undefined && refusals.get(approval.asks) === approval.id) refusals.delete(approval.asks);
      ended.stale += isStale(approval);
    }
    trees.delete(tree.id);
  }
}

/**
 * Removes forgotten entries from the lists that only grow, once they are a substantial part of a list, so that the cost
 * of walking a million entries is amortized.
 */
export function compactLists(
  { ended, grants, order, deadlines }: LogState,
  isPending: (deadline: Deadline) => boolean,
): void {
  if (grants.size * 8 < order.length * 7) {
    let kept = 0;
    for (const grant of order) if (grants.has(grant.id)) order[kept++] = grant;
    order.length = kept;
  }
  if (ended.stale * 2 > deadlines.size) {
    deadlines.keep(isPending);
    ended.stale = 0;
  }
}

/**
 * The events that may follow in a log after their tree was forgotten: late commands that were refused or had no effect.
 * A log from before trees were forgotten may contain more of them.
 */
const LATE: ReadonlySet<EventType> = new Set<EventType>([
  'ActionDenied',
  'ActionStepUp',
  'DelegationRefused',
  'DriftScored',
  'GrantRevoked',
  'Refused',
  'RefusalsSummarized',
]);

/** Reports whether an event belongs to a forgotten tree and names no existing node. Such an event changes nothing. */
export const isLate = ({ trees, runs, grants }: LogState, { type, treeId, runId, grantId }: Event): boolean =>
  LATE.has(type) && treeId !== undefined && !trees.has(treeId) && !runs.has(runId ?? '') && !grants.has(grantId ?? '');
