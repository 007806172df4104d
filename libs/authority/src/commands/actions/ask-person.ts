import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { ok } from '@bailiwick/core/result';
import { waitMs } from '../../approvals/terms';
import type { ApprovalNode, LogState, RunNode } from '../../state/state';
import { newId, refuse, type Decide, type NewEvent } from '../types';
import { kept, notShown } from './objections';

/** Requests an approval of this exact call, unless one is already pending. */
export function stepUp(
  state: LogState,
  command: CommandOf<'authorize'>,
  run: RunNode,
  where: { treeId: string; runId: string; grantId: string; actionId: string; payload: true },
  data: DecidedAction,
  { asks, objections, replaces }: { asks: string; objections: readonly string[]; replaces: string | undefined },
  now: number,
): ReturnType<Decide<'authorize'>> {
  const pending = pendingFor(state, data.binding, now);
  if (pending && notShown(pending.objections, objections).length === 0) {
    return ok([
      {
        type: 'ActionStepUp',
        ...where,
        data: { ...data, approvalId: pending.id, expiresAt: rfc3339(pending.expiresAt) },
      },
    ]);
  }
  if (!pending && run.pendingApprovals >= LIMITS.pendingApprovalsPerRun) {
    return refuse(
      'TOO_MANY',
      `run ${run.id} already waits for ${run.pendingApprovals} approvals; have some answered first`,
    );
  }
  const approvalId = newId('approval', state, command.commandId);
  const { verb, risk, effects = [data.effect], charge } = data;
  const question = { kind: 'action', agentClass: run.agent.class, risk, verb, effects, cost: charge.cost } as const;
  const expiresAt = rfc3339(now + waitMs(state, question));
  const { treeId, runId, grantId, actionId } = where;
  // earlier objections stay on the card, so that two requests cannot keep replacing each other
  const both = [...new Set([...objections, ...(pending?.objections ?? [])])];
  const all = both.length <= LIMITS.objections ? both : objections.slice(0, LIMITS.objections);
  const earlier = pending?.id ?? state.approvals.get(replaces ?? '')?.id;
  return ok([
    ...(pending ? [replaced(pending, approvalId)] : []),
    {
      type: 'ApprovalRequested',
      treeId,
      runId,
      grantId,
      actionId,
      data: {
        approvalId,
        kind: 'action',
        expiresAt,
        risk: data.risk,
        binding: data.binding,
        objections: kept(all),
        asks,
        ...(earlier === undefined ? {} : { replaces: earlier }),
      },
    },
    { type: 'ActionStepUp', ...where, data: { ...data, approvalId, expiresAt } },
  ]);
}

/** Withdraws a request that does not show all current objections, since its answer could not be used. */
const replaced = ({ id, treeId, runId, grantId, actionId }: ApprovalNode, by: string): NewEvent => ({
  type: 'ApprovalExpired',
  treeId,
  runId,
  grantId,
  actionId,
  data: { approvalId: id, replacedBy: by },
});

function pendingFor(state: LogState, binding: string, now: number): ApprovalNode | undefined {
  const id = state.pendingByBinding.get(binding);
  const approval = id === undefined ? undefined : state.approvals.get(id);
  return approval && now < approval.expiresAt ? approval : undefined;
}
