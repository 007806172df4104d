import type { Event, EventType } from '#contracts/event';
import type { RunStatus } from '#contracts/grant';
import type { LogState } from '../state';

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

/** What goes on in each tree, and which have ended, made anew from the nodes: the way back from a snapshot. */
export function countTrees(state: LogState): void {
  const { runs, actions, approvals, trees, ended } = state;
  for (const { treeId, status } of runs.values()) {
    const tree = trees.get(treeId);
    if (tree) tree.runs += 1;
    if (isGoing(status)) begins(state, treeId);
  }
  for (const { treeId } of actions.values()) begins(state, treeId);
  for (const { treeId, status } of approvals.values()) if (status === 'pending') begins(state, treeId);
  const quiet = [...trees.values()].filter(({ quietAt }) => quietAt !== undefined);
  quiet.sort((a, b) => (a.quietAt as number) - (b.quietAt as number)).forEach((tree) => ended.add(tree));
}

/** An event of a tree was folded: where nothing goes on in it, its time begins anew. */
export function touch(state: LogState, event: Event, at: number): void {
  const tree = event.treeId === undefined ? undefined : state.trees.get(event.treeId);
  if (!tree) return;
  if (tree.quietAt !== undefined) state.ended.take(tree);
  tree.quietAt = tree.going === 0 ? at : undefined;
  if (tree.quietAt !== undefined) state.ended.add(tree);
}

/**
 * Forgets the trees whose time has come, once they are an eighth of all: what that costs is shared by those it makes
 * room for. Runs are counted, since most trees have one.
 * @returns whether it came to that
 */
export function forgetEnded(state: LogState, now: number): boolean {
  const { ended, runs, grants, trees, approvals, order } = state;
  const due = ended.due(now);
  if (due === 0 || due * SHARE < runs.size) return false;
  const leaves = ({ treeId }: { treeId: string }): boolean => ended.leaving.has(treeId);
  for (const run of runs.values()) if (leaves(run)) runs.delete(run.id);
  for (const approval of approvals.values()) if (leaves(approval)) approvals.delete(approval.id);
  let kept = 0;
  for (const grant of order) {
    if (leaves(grant)) grants.delete(grant.id);
    else order[kept++] = grant;
  }
  order.length = kept;
  for (const id of ended.leaving.keys()) trees.delete(id);
  ended.gone();
  return true;
}

const SHARE = 8;

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
]);

/** Is this of a tree that is not there any more? Then it changes nothing. */
export const isLate = (state: LogState, { type, treeId }: Event): boolean =>
  LATE.has(type) && treeId !== undefined && !state.trees.has(treeId);
