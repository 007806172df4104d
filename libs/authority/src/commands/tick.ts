import { ok } from '@bailiwick/core/result';
import type { DeadlineKind } from '../state/deadlines';
import { chainOf, type LogState } from '../state/state';
import { givenUp } from './actions/settle-action';
import { respond } from './respond';
import { suspensionEnd } from './revoke';
import type { Decide, NewEvent } from './types';

/**
 * Ends the next item whose time is over: a permit without an outcome, a pending approval, a grant; or lets a responder
 * act that has fired. It ends one at a
 * time, since one end can cause another; the owner repeats the command until nothing is due. Each end is a separate
 * event, so that no later reader needs a clock.
 */
export const tick: Decide<'tick'> = (state, command, now) => {
  const next = state.deadlines.peek();
  return ok(next && next.at <= now ? ENDS[next.kind](state, next.id, now, command.commandId) : []);
};

const ENDS: Record<DeadlineKind, (state: LogState, id: string, now: number, commandId: string) => NewEvent[]> = {
  grant(state, id) {
    const grant = state.grants.get(id);
    if (!grant) return [];
    const { treeId, runId } = grant;
    return [
      {
        type: 'GrantExpired',
        treeId,
        runId,
        grantId: id,
        data: { reason: { code: 'EXPIRED', says: 'its time was over' } },
      },
    ];
  },
  approval(state, id) {
    const approval = state.approvals.get(id);
    if (!approval) return [];
    const { treeId, runId, grantId, actionId } = approval;
    return [{ type: 'ApprovalExpired', treeId, runId, grantId, actionId, data: { approvalId: id } }];
  },
  action(state, id, now) {
    const action = state.actions.get(id);
    return action ? givenUp(chainOf(state, action.grantId) ?? [], action, now) : [];
  },
  suspension(state, id) {
    const rule = state.rules.find(id);
    return rule ? [suspensionEnd(rule, 'EXPIRED', 'its time was over')] : [];
  },
  responder: respond,
};
