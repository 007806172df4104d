import type { Refusal } from '@bailiwick/contracts/reason';
import { ok, type Result } from '@bailiwick/core/result';
import { approvalStatus } from '../presentation/approval-status';
import type { ApprovalNode, LogState } from '../state/state';
import { notFound, refuse, type Decide } from './types';

/**
 * Records that a person is asked, for an enforcement point or the run itself. The request exists since the step-up, with
 * all that a person decides by: this changes nothing of it.
 */
export const requestAccess: Decide<'requestAccess'> = (state, command) => {
  const found = requestOf(state, command);
  if (!found.ok) return found;
  const { id: approvalId, treeId, runId, grantId, actionId } = found.value;
  return ok([
    {
      type: 'AccessRequested',
      ...{ treeId, runId, grantId, actionId },
      payload: true,
      data: { approvalId, by: command.actor.id },
    },
  ]);
};

/** Ends a request that waits for people, for an enforcement point or the run itself. What people have approved stays so. */
export const withdrawRequest: Decide<'withdrawRequest'> = (state, command, now) => {
  const found = requestOf(state, command);
  if (!found.ok) return found;
  const { id: approvalId, treeId, runId, grantId, actionId } = found.value;
  const status = approvalStatus(state, found.value, now);
  if (status !== 'pending') return refuse('ALREADY_DECIDED', `approval ${approvalId} is already ${status}`);
  return ok([
    {
      type: 'ApprovalWithdrawn',
      ...{ treeId, runId, grantId, actionId },
      data: { approvalId, by: command.actor.id },
    },
  ]);
};

function requestOf(
  state: LogState,
  { approvalId, actor }: Pick<Parameters<Decide<'requestAccess'>>[1], 'approvalId' | 'actor'>,
): Result<ApprovalNode, Refusal> {
  const approval = state.approvals.get(approvalId);
  if (approval?.kind !== 'action') return notFound('approval of a call', approvalId);
  if (actor.kind === 'run' && actor.id !== approval.runId)
    return refuse('FORBIDDEN', 'a run may request access for its own calls only');
  return ok(approval);
}
