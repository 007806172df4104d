import { ok } from '@bailiwick/core/result';
import { notFound, refuse, type Decide } from './types';

/**
 * Records that a person is asked, for an enforcement point or the run itself. The request exists since the step-up, with
 * all that a person decides by: this changes nothing of it.
 */
export const requestAccess: Decide<'requestAccess'> = (state, { approvalId, actor }) => {
  const approval = state.approvals.get(approvalId);
  if (approval?.kind !== 'action') return notFound('approval of a call', approvalId);
  const { treeId, runId, grantId, actionId } = approval;
  if (actor.kind === 'run' && actor.id !== runId)
    return refuse('FORBIDDEN', 'a run may request access for its own calls only');
  return ok([
    {
      type: 'AccessRequested',
      ...{ treeId, runId, grantId, actionId },
      payload: true,
      data: { approvalId, by: actor.id },
    },
  ]);
};
