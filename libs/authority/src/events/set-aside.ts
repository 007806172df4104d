import type { LogState } from '../state/state';
import { stopWaiting } from './approval-events';
import { settleDrawn } from './budget-events';
import { isOpen } from './endings';
import { isGoing } from './ended';
import { follows, must, type Fold } from './follows';

/**
 * Applies an operator's decision on an unreadable event: it no longer blocks anything, and the tree that it names has
 * ended.
 */
export const eventSetAside: Fold<'EventSetAside'> = (state, event, at) => {
  const { position, bodyDigest, reason } = event.data;
  const node = must(state.unreadable.get(position), 'unreadable event', event);
  follows(node.bodyDigest === bodyDigest && node.treeId === event.treeId, 'the event that it sets aside', event);
  state.unreadable.delete(position);
  if (node.treeId !== undefined) endTree(state, node.treeId, at, event.position, reason.says ?? reason.code);
};

/**
 * Ends everything in a tree at once. Its contents are unreliable, so none of it is settled or counted, except that the
 * tenant budgets, from which other trees draw too, count what it had reserved as spent.
 */
function endTree(state: LogState, treeId: string, at: number, position: number, reason: string): void {
  const tree = state.trees.get(treeId);
  if (!tree) return; // no readable event opened it, or it is forgotten
  for (const run of tree.runs) {
    run.pendingApprovals = 0;
    state.denialStreaks.delete(run.id);
    if (!isGoing(run.status)) continue;
    Object.assign(run, { status: 'revoked', endedAt: at, endReason: reason });
    state.openChildren.ended(run);
  }
  for (const grant of tree.grants) {
    grant.inFlight = 0;
    state.heldByRun.delete(grant.id);
    if (isOpen(grant.status)) Object.assign(grant, { status: 'revoked', endedAt: at, endReason: reason });
  }
  for (const approval of tree.approvals) {
    if (approval.status === 'pending') stopWaiting(state, approval, 'expired', position, at);
  }
  for (const action of state.actions.values()) {
    if (action.treeId !== treeId) continue;
    state.actions.delete(action.id);
    settleDrawn(state, action, action.charge, at);
    state.ends.delete(action.id);
  }
  tree.going = 0;
}
