import type { Event, EventType } from '@bailiwick/contracts/event';
import type { RunStatus } from '@bailiwick/contracts/grant';
import { asideBy } from '../state/set-aside';
import type { Deadline } from '../state/deadlines';
import type { ActionNode, LogState, TreeNode } from '../state/state';

/*
 * A tree that has ended is of no use to any decision: nothing in it can act, and nothing in it can begin (I2). It is
 * kept for a while, so that who comes late is told why it ended. Then it is forgotten, with its runs, leases and
 * approvals: what is kept of a log does not grow with its age. The log has it for ever, and whoever must tell of it, as
 * in the answer to a retry (I4), folds it alone.
 *
 * What is forgotten when follows from the nodes and the time of the newest event alone: every fold forgets the same at
 * the same event (I10).
 */

/** May a run still act, now or once it is granted or resumed? */
export const isGoing = (status: RunStatus): boolean =>
  status === 'pending' || status === 'active' || status === 'suspended';

/** Something in a tree goes on: a run that has not ended, a permit without an outcome, a question to a person. */
export function begins({ trees }: LogState, treeId: string): void {
  const tree = trees.get(treeId);
  if (tree) tree.going += 1;
}

export function ends({ trees }: LogState, treeId: string): void {
  const tree = trees.get(treeId);
  if (tree) tree.going -= 1;
}

/** A permit that sends, or may, has no outcome yet: what was permitted before a secret is read must not carry it out. */
export function beginsSending({ trees }: LogState, action: ActionNode): void {
  const tree = trees.get(action.treeId);
  if (tree && (action.charge.external > 0 || action.maySend))
    Object.assign(tree, { sending: [...tree.sending, action] });
}

export function endsSending({ trees }: LogState, action: ActionNode): void {
  const tree = trees.get(action.treeId);
  if (tree?.sending.includes(action)) Object.assign(tree, { sending: tree.sending.filter((each) => each !== action) });
}

/** What is in each tree, and which have ended, made anew from the nodes: the way back from a snapshot. */
export function fillTrees(state: LogState): void {
  const { runs, grants, actions, approvals, trees, ended } = state;
  for (const run of runs.values()) {
    join(trees.get(run.treeId), 'runs', run);
    if (isGoing(run.status)) begins(state, run.treeId);
  }
  for (const grant of grants.values()) join(trees.get(grant.treeId), 'grants', grant);
  for (const action of actions.values()) {
    begins(state, action.treeId);
    beginsSending(state, action);
  }
  for (const approval of approvals.values()) {
    join(trees.get(approval.treeId), 'approvals', approval);
    if (approval.status === 'pending') begins(state, approval.treeId);
  }
  const quiet = [...trees.values()].filter(({ quietAt }) => quietAt !== undefined);
  quiet.sort((a, b) => (a.quietAt as number) - (b.quietAt as number)).forEach((tree) => ended.add(tree));
}

/** Most trees have one of a kind: a list of one takes no room for more. */
export function join<K extends 'runs' | 'grants' | 'approvals'>(
  tree: TreeNode | undefined,
  kind: K,
  node: TreeNode[K][number],
): void {
  if (!tree) return;
  if (tree[kind].length === 0) Object.assign(tree, { [kind]: [node] });
  else (tree[kind] as unknown[]).push(node);
}

/** An event of a tree was folded: where nothing goes on in it, its time begins anew. */
export function touch(state: LogState, event: Event, at: number): void {
  const tree = event.treeId === undefined ? undefined : state.trees.get(event.treeId);
  if (!tree || asideBy(state, tree.id)) return; // one that is set aside is kept until an operator has ended it
  if (tree.quietAt !== undefined) state.ended.take(tree);
  tree.quietAt = tree.going === 0 ? at : undefined;
  if (tree.quietAt !== undefined) state.ended.add(tree);
}

/** Forgets the trees whose time has come, with all that is in them. */
export function forgetEnded(state: LogState, now: number): void {
  const { ended, runs, grants, trees, approvals, refusals } = state;
  const isStale = ({ expiresAt }: { expiresAt: number }): number => (expiresAt > now ? 1 : 0);
  for (const tree of ended.due(now)) {
    for (const run of tree.runs) runs.delete(run.id);
    for (const grant of tree.grants) {
      grants.delete(grant.id);
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
 * Lists that only grow let go of what was forgotten, once it is a good part of them: what a walk over a million costs is
 * shared by those it makes room for.
 */
export function letGo({ ended, grants, order, deadlines }: LogState, isPending: (deadline: Deadline) => boolean): void {
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
 * What a log may have of a tree that is forgotten by now: asked for too late, and refused or of no effect. A log that
 * was written before trees were forgotten may have more of it than one of today.
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

/** Is this of a tree that is not there any more, nor anything that it names? Then it changes nothing. */
export const isLate = ({ trees, runs, grants }: LogState, { type, treeId, runId, grantId }: Event): boolean =>
  LATE.has(type) && treeId !== undefined && !trees.has(treeId) && !runs.has(runId ?? '') && !grants.has(grantId ?? '');
