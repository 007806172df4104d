import type { ApprovalScope } from '@bailiwick/contracts/approvals/approval-scope';
import type { EventData } from '@bailiwick/contracts/events/event';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { countAnswer } from '../approvals/answer';
import { isStanding } from '../approvals/standing';
import { answeredUntil, questionOf, termsOf } from '../approvals/terms';
import { blockedItself, endedFirst, livenessReason, type Blocked } from '../state/liveness';
import { revokedRequest } from '../presentation/approval-status';
import { quarantineRefusal, strikesSubject, subjectOf } from '../revocation/revocation-rules';
import { chainOf, current, type ApprovalNode, type GrantNode, type LogState } from '../state/state';
import { mayPassOn, SET_ASIDE_DETAIL } from './grants/delegate';
import { narrowed } from './grants/escalation';
import { lessThan } from './grants/less';
import { givenBeyond } from '../manifests/issue';
import { cannotSetAside } from '../state/reserves';
import { narrowedAbove } from './grants/bounds';
import { fromNowOn, stillHeld } from './grants/bundles';
import { widerThan } from './grants/run';
import { newId, notFound, refuse, type Decide, type Decided, type NewEvent, type Rules } from './types';

/**
 * Records a person's answer. Where the policy in force requires several people, an answer that is not the last one
 * decides nothing. For a grant or an escalation the last one issues the grant in the same append.
 */
export const decideApproval: Decide<'decideApproval'> = (state, command, now, rules) => {
  const approval = state.approvals.get(command.approvalId);
  if (!approval) return notFound('approval', command.approvalId);
  if (command.actor.kind === 'run' || command.actor.kind === 'system') {
    return refuse('FORBIDDEN', 'an approval is given by a person, never by an agent or by the system itself');
  }
  if (isStanding(approval) && command.verdict === 'deny') return withdraw(approval, command.actor.id);
  const question = questionOf(state, approval);
  const terms = termsOf(state, question);
  if (approval.status !== 'pending' || now >= answeredUntil(terms, approval)) {
    const status = approval.status === 'pending' ? 'expired' : approval.status;
    return refuse('ALREADY_DECIDED', `approval ${approval.id} is already ${status}`);
  }
  const counted = countAnswer(state, approval, command, terms, now);
  if (!counted.ok) return counted;
  const { given, needed, scope } = counted.value;
  const isPartial = given < needed;
  const { verdict, actor } = command;
  const { treeId, runId, grantId, actionId } = approval;
  const where = { treeId, runId, grantId, actionId, payload: true as const };
  const partial = (limits?: Limits): NewEvent => ({
    type: 'ApprovalAnswered',
    ...where,
    data: {
      ...{ approvalId: approval.id, verdict, by: actor.id, given, needed },
      ...(limits === undefined ? {} : { limits }),
      ...(scope === 'call' ? {} : { scope }),
    },
  });
  const final = (usableUntil?: number, limits?: Limits): NewEvent => ({
    type: 'ApprovalGiven',
    ...where,
    data: {
      approvalId: approval.id,
      verdict,
      by: actor.id,
      ...(usableUntil === undefined ? {} : { usableUntil: rfc3339(usableUntil) }),
      ...(limits === undefined ? {} : { limits }),
      ...(scope === 'call' ? {} : { scope, covers: coveredBy(approval) }),
      ...(command.breakGlass ? { breakGlass: true } : {}),
      ...(verdict === 'deny' && terms?.coolDownMs !== undefined && approval.asks !== undefined
        ? { refusedUntil: rfc3339(now + terms.coolDownMs) }
        : {}),
    },
  });
  if (verdict === 'deny') return ok([isPartial ? partial() : final()]);
  const revoked = revokedRequest(state, approval, now);
  if (revoked) {
    const { message } = revoked.reason;
    return refuse('GRANT_NOT_LIVE', `it is too late to approve this: ${message}; deny it`, [revoked.reason]);
  }
  if (approval.kind === 'action')
    return approveAction(state, approval, now, isPartial ? () => partial() : final, scope);
  const limits = givenLimits(state, approval, command.grant, now);
  if (!limits.ok) return limits;
  const less = limits.value === approval.limits ? undefined : limits.value;
  if (isPartial) return ok([partial(less)]);
  const held = approval.supersedes === undefined ? undefined : state.grants.get(approval.supersedes);
  const issued = fromNowOn(limits.value, approval, held?.limits, now);
  return approveGrant(state, approval, issued, now, {
    commandId: command.commandId,
    by: actor.id,
    rules,
    given: final(undefined, issued === approval.limits ? undefined : issued),
  });
};

function coveredBy({ verb = '', tool, resource = { type: '', id: '' } }: ApprovalNode): Covers {
  return { verb, ...(tool === undefined ? {} : { tool }), resource: { type: resource.type, id: resource.id } };
}
type Covers = NonNullable<EventData<'ApprovalGiven'>['covers']>;

/** Ends an approval of more than one call, for the calls that follow. */
const withdraw = ({ id, treeId, runId, grantId, actionId }: ApprovalNode, by: string): Decided =>
  ok([
    {
      type: 'ApprovalWithdrawn',
      ...{ treeId, runId, grantId, actionId },
      payload: true,
      data: { approvalId: id, by },
    },
  ]);

/** Returns the limits that a person gives: those asked for, or less. */
function givenLimits(
  state: LogState,
  approval: ApprovalNode,
  request: GrantRequest | undefined,
  now: number,
): Result<Limits, Refusal> {
  const { limits, less: left = limits } = approval;
  const asked = left as Limits;
  if (request === undefined) return ok(asked);
  const old = approval.supersedes === undefined ? undefined : state.grants.get(approval.supersedes);
  const less = lessThan(asked, request, now, old?.limits);
  const narrower = less.ok && old ? narrowed(stillHeld(old.limits, now), less.value) : undefined;
  return narrower ? err(narrower) : less;
}

function approveAction(
  state: LogState,
  approval: ApprovalNode,
  now: number,
  given: (until: number) => NewEvent,
  scope: ApprovalScope,
): ReturnType<Decide<'decideApproval'>> {
  const dead = deadReason(state, approval.grantId, now);
  if (dead) return dead;
  const lease = current(state, approval.grantId ?? '');
  return ok([given(scope === 'call' || !lease ? now + LIMITS.approvedUseMs : lease.expiresAt)]);
}

/** A person's answer, and who gave it. */
interface Answered {
  readonly commandId: string;
  readonly by: string;
  readonly rules: Rules;
  readonly given: NewEvent;
}

function approveGrant(
  state: LogState,
  approval: ApprovalNode,
  limits: Limits,
  now: number,
  { commandId, by, rules, given }: Answered,
): ReturnType<Decide<'decideApproval'>> {
  if (Date.parse(limits.time.expiresAt) <= now) {
    return refuse(
      'APPROVAL_NOT_USABLE',
      `the requested lease would have ended at ${limits.time.expiresAt}; deny this request and have a new one made`,
    );
  }
  if (approval.supersedes !== undefined) {
    const chain = chainOf(state, approval.supersedes);
    const blocked = chain && endedFirst(state, chain, now);
    // a suspended grant is resumed first, since the grant that replaces it would not be suspended
    if (!chain || blocked) return notLive(chain, blocked);
    if ((state.narrowed.get(approval.supersedes)?.position ?? -1) > approval.position) {
      return refuse(
        'APPROVAL_NOT_USABLE',
        `grant ${approval.supersedes} was narrowed after the request; deny this request and have a new one made`,
      );
    }
    if (current(state, approval.supersedes)?.id !== approval.supersedes) {
      return refuse(
        'APPROVAL_NOT_USABLE',
        `grant ${approval.supersedes} was raised after the request; deny this request and have a new one made`,
      );
    }
  }
  // the parent may have been raised or ended since: its current limits count (I1)
  const parent = approval.parentId === undefined ? undefined : current(state, approval.parentId);
  const notPassed =
    parent && approval.supersedes === undefined ? childRefusal(state, approval, parent, now) : undefined;
  if (notPassed) return notPassed;
  const above = parent && chainOf(state, parent.id);
  const bounds = parent ? [parent.limits, ...narrowedAbove(state, above ?? [])] : [];
  const tooWide = bounds.flatMap((bound) => widerThan(limits, bound));
  if (tooWide.length > 0)
    return refuse(
      'GRANT_WIDENS_PARENT',
      'the limits exceed the current ones of the parent; deny this request',
      tooWide,
    );

  const manifest = givenBeyond(state, approval, limits, now, rules);
  if ('refusal' in manifest) return err(manifest.refusal);
  const old = approval.supersedes === undefined ? undefined : state.grants.get(approval.supersedes);
  const short = above ? cannotSetAside(above, limits.budget, old) : [];
  if (short.length > 0)
    return refuse('BUDGET_EXHAUSTED', `the budget ${SET_ASIDE_DETAIL}; approve it later, or deny it`, short);

  const { treeId, runId } = approval;
  const run = state.runs.get(runId);
  const approved = run && { ...subjectOf(run, { treeId, limits }), approver: by };
  const quarantined = approved && quarantineRefusal(state, approved, now);
  if (quarantined) return err(quarantined);
  const struck = approved && strikesSubject(state, run, approved);
  if (struck) return refuse('GRANT_NOT_LIVE', `what ${by} approves here is revoked by ${struck.revocationId}`);
  const grantId = newId('grant', state, commandId);
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
        ...manifest,
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

/** Refuses a child's first lease if its parent has ended or is suspended, or may no longer have this child. */
function childRefusal(
  state: LogState,
  { runId }: ApprovalNode,
  parent: GrantNode,
  now: number,
): ReturnType<typeof refuse> | undefined {
  const chain = chainOf(state, parent.id);
  const blocked = chain && endedFirst(state, chain, now);
  if (!chain || blocked) return notLive(chain, blocked);
  const passes = mayPassOn(state, chain, state.runs.get(runId)?.agent.class ?? '', { counted: true });
  if (passes.outcome === 'permit') return undefined;
  return refuse('DELEGATION_NOT_ALLOWED', `${passes.message}; deny this request`, [{ rule: 'delegation', ...passes }]);
}

/** I2: nothing is approved for a grant that has ended. A suspended one may be resumed, so its requests wait. */
function deadReason(
  state: LogState,
  grantId: string | undefined,
  now: number,
): ReturnType<Decide<'decideApproval'>> | undefined {
  const chain = grantId === undefined ? undefined : chainOf(state, grantId);
  // each grant is checked, since a suspended one may precede one that has ended
  const blocked = chain?.map((grant) => blockedItself(state, grant, now));
  const ended = blocked?.findLast((each) => each !== undefined && each.status !== 'suspended');
  return chain && !ended ? undefined : notLive(chain, ended);
}

function notLive(chain: readonly GrantNode[] | undefined, blocked: Blocked | undefined): ReturnType<typeof refuse> {
  if (!chain || !blocked) return refuse('GRANT_NOT_LIVE', 'the grant of this request is no longer known');
  const reason = livenessReason(chain, blocked);
  const todo = blocked.status === 'suspended' ? 'this cannot be approved yet' : 'it is too late to approve this';
  return refuse(
    'GRANT_NOT_LIVE',
    `${todo}: ${reason.message}; ${blocked.status === 'suspended' ? 'resume it first' : 'deny it'}`,
    [reason],
  );
}
