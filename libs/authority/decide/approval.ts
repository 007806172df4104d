import type { Limits } from '#contracts/grant';
import { rfc3339 } from '#kernel/clock';
import { deriveId } from '#kernel/ids';
import { LIMITS } from '#kernel/limits';
import { ok } from '#kernel/result';
import { blockedInChain, livenessReason } from '../liveness';
import { chainOf, current, type ApprovalNode, type LogState } from '../state';
import { widerThan } from './run';
import { notFound, refuse, type Decide, type NewEvent } from './types';

/** A person's answer. For a grant or an escalation it issues the grant in the same append. */
export const decideApproval: Decide<'decideApproval'> = (state, command, now) => {
  const approval = state.approvals.get(command.approvalId);
  if (!approval) return notFound('approval', command.approvalId);
  if (command.actor.kind === 'run' || command.actor.kind === 'system') {
    return refuse('FORBIDDEN', 'an approval is given by a person, never by an agent or by the system itself');
  }
  if (approval.status !== 'pending' || now >= approval.expiresAt) {
    const status = approval.status === 'pending' ? 'expired' : approval.status;
    return refuse('ALREADY_DECIDED', `approval ${approval.id} is ${status} already`);
  }
  const { treeId, runId, grantId, actionId } = approval;
  const given = (usableUntil?: number): NewEvent => ({
    type: 'ApprovalGiven',
    treeId,
    runId,
    grantId,
    actionId,
    payload: true,
    data: {
      approvalId: approval.id,
      verdict: command.verdict,
      by: command.actor.id,
      ...(usableUntil === undefined ? {} : { usableUntil: rfc3339(usableUntil) }),
    },
  });
  if (command.verdict === 'deny') return ok([given()]);
  return approval.kind === 'action'
    ? approveAction(state, approval, now, given)
    : approveGrant(state, approval, now, command.commandId, command.actor.id, given());
};

function approveAction(
  state: LogState,
  approval: ApprovalNode,
  now: number,
  given: (until: number) => NewEvent,
): ReturnType<Decide<'decideApproval'>> {
  const dead = deadReason(state, approval.grantId, now);
  return dead ?? ok([given(now + LIMITS.approvedUseMs)]);
}

function approveGrant(
  state: LogState,
  approval: ApprovalNode,
  now: number,
  commandId: string,
  by: string,
  given: NewEvent,
): ReturnType<Decide<'decideApproval'>> {
  const limits = approval.limits as Limits;
  if (Date.parse(limits.time.expiresAt) <= now) {
    return refuse(
      'APPROVAL_NOT_USABLE',
      `the lease asked for would have ended at ${limits.time.expiresAt}; deny this and have it asked for again`,
    );
  }
  if (approval.supersedes !== undefined) {
    const dead = deadReason(state, approval.supersedes, now);
    if (dead) return dead;
    if (current(state, approval.supersedes)?.id !== approval.supersedes) {
      return refuse(
        'APPROVAL_NOT_USABLE',
        `grant ${approval.supersedes} was raised meanwhile; deny this and have it asked for again`,
      );
    }
  }
  // the parent may have been raised or ended since: what counts is what it holds now (I1)
  const parent = approval.parentId === undefined ? undefined : current(state, approval.parentId);
  const tooWide = parent ? widerThan(limits, parent.limits) : [];
  if (tooWide.length > 0) return refuse('GRANT_WIDENS_PARENT', 'the parent holds less than this by now', tooWide);

  const { treeId, runId } = approval;
  const grantId = deriveId('grant', state.n, commandId);
  const events: NewEvent[] = [
    given,
    {
      type: 'GrantIssued',
      treeId,
      runId,
      grantId,
      data: {
        ...(parent ? { parentId: parent.id } : {}),
        depth: approval.depth,
        limits,
        approvalId: approval.id,
        approvedBy: by,
        ...(approval.supersedes === undefined ? {} : { supersedes: approval.supersedes }),
      },
    },
  ];
  if (approval.supersedes !== undefined) {
    events.push({
      type: 'GrantSuperseded',
      treeId,
      runId,
      grantId: approval.supersedes,
      data: { by: grantId, approvalId: approval.id },
    });
  }
  return ok(events);
}

/** I2: nothing is approved for a grant that can act no more. A suspended one may be resumed, and waits. */
function deadReason(state: LogState, grantId: string | undefined, now: number): ReturnType<typeof refuse> | undefined {
  const chain = grantId === undefined ? undefined : chainOf(state, grantId);
  if (!chain) return refuse('GRANT_NOT_LIVE', 'the grant this was asked for is not known any more');
  const blocked = blockedInChain(state, chain, now);
  if (!blocked || blocked.status === 'suspended') return undefined;
  const reason = livenessReason(chain, blocked);
  return refuse('GRANT_NOT_LIVE', `it is too late to approve this: ${reason.message}; deny it`, [reason]);
}
