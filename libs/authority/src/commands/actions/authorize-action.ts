import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { DecisionOutcome, Reason } from '@bailiwick/contracts/reason';
import { RULE_LABELS } from '@bailiwick/contracts/actions/trajectory';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { ok } from '@bailiwick/core/result';
import type { Question } from '../../approvals/approval-rules';
import { coversCall, isStanding, standingFor, type AskedFor } from '../../approvals/standing';
import { isStillEnough, termsOf, waitMs } from '../../approvals/terms';
import { blockedItself, endedFirst, livenessReason, type Blocked } from '../../state/liveness';
import { accountsOf, leastLeft, pursesFor, type Purse, type PurseNode } from '../../state/purses';
import { chainOf, settledOf, type ApprovalNode, type GrantNode, type LogState, type RunNode } from '../../state/state';
import { periodsFor } from '../../state/periods';
import { asSeenBelow } from '../../state/reserves';
import { manifestPurses } from '../../manifests/left';
import { countsReached, remainingOf } from '../../state/usage';
import { clip, listed } from '../../presentation/text';
import { brokeredCall, calledByOf, calledEvent } from './brokered';
import { recordedStage } from '../../dimensions/recorded-facts';
import { judge, strictest, understand, type Asked, type Judgement } from './judge';
import { endedByCompletion } from './ends-lease';
import { kept, notShown } from './objections';
import { callAsked, refusedBefore, refusedReason } from './refused-before';
import { actsForAnother, newId, notFound, refuse, type Decide, type NewEvent } from '../types';

/**
 * Decides one action. The permit is charged to the grant and all its ancestors by its own event (I3); if a count
 * reaches its cap, the same append ends that grant.
 */
export const authorize: Decide<'authorize'> = (state, command, now, rules) => {
  const chain = chainOf(state, command.grantId);
  if (!chain) return notFound('grant', command.grantId);
  const leaf = chain[0] as GrantNode;
  const run = state.runs.get(leaf.runId) as RunNode;
  if (actsForAnother(command, run.id))
    return refuse('FORBIDDEN', `run ${command.actor.id} may not act under a grant of run ${run.id}`);
  const above = command.parentActionId;
  if (above !== undefined && treeOfAction(state, above) !== run.treeId)
    return refuse('NOT_FOUND', `parentActionId: no action ${above} of this tree is in flight or has just ended`);
  const called = brokeredCall(state, command, run, now);
  if (!called.ok) return called;
  const call = called.value;
  const { current, version } = state.policies;
  const policy = { catalog: current?.catalog ?? rules.catalog, version };
  const understood = understand(command, run, chain[chain.length - 1] as GrantNode, policy);
  if (!understood.ok) return understood;
  const asked = understood.value;

  const dead = endedFirst(state, chain, now);
  if (dead && dead.status !== 'suspended') return deniedUnderDead(state, command, asked, run, chain, dead);

  const judged = judge(state, chain, asked, now, rules, call);
  const binding = bindingOf(command, asked, run);
  const { argsDigest } = command.action;
  const asks = callAsked(run.treeId, asked.facts.verb, asked.facts.resource, argsDigest);
  const standingCall = { runId: run.id, facts: asked.facts, charge: asked.charge };
  const approvalId =
    command.approvalId ??
    (judged.outcome === 'step-up' ? standingFor(state, run.treeId, standingCall, now)?.id : undefined);
  const bound = { ...standingCall, binding, asks, approvalId, isExact: argsDigest !== undefined };
  const { outcome, reasons, approved } = withPerson(state, judged, bound, now);

  const where = {
    treeId: leaf.treeId,
    runId: run.id,
    grantId: leaf.id,
    actionId: newId('action', state, command.commandId),
    payload: true as const,
  };
  const purses = pursesFor(state, run.treeId, asked.labels);
  const data: DecidedAction = {
    ...recordOf(command, asked, run, binding, reasons, chain),
    ...underPolicy(state),
    ...calledByOf(call),
  };
  const caps = [...purses, ...manifestPurses(state, chain, asSeenBelow(chain), data.remaining, rules)];
  if (caps.length > 0) data.least = leastLeft(data.remaining, caps, now, undefined);
  if (outcome !== 'deny' && judged.obligations.length > 0) data.obligations = [...judged.obligations];
  if (outcome === 'permit') {
    const { expiresAt, outcomeUntil } = timesOf(chain, now);
    const used = approved && approvalId !== undefined ? { approvalId } : {};
    const periods = periodsFor(accountsOf(chain, purses), now);
    const ends = endedByCompletion(chain, asked.facts);
    return ok([
      {
        type: 'ActionPermitted',
        ...where,
        data: {
          ...data,
          ...leftAfter(chain, caps, asked.charge, now),
          expiresAt,
          outcomeUntil,
          ...used,
          ...(periods ? { periods } : {}),
          ...(ends ? { ends } : {}),
          ...drawingFrom(purses),
        },
      },
      ...exhaustedBy(chain, asked.charge),
      ...calledEvent(state, call, { actionId: where.actionId, runId: run.id, treeId: run.treeId }, data.labels),
    ]);
  }
  if (outcome === 'step-up') {
    const question = { asks, objections: judged.objections, replaces: approvalId };
    return stepUp(state, command, run, where, data, question, now);
  }
  return ok([
    {
      type: 'ActionDenied',
      ...where,
      data: { ...data, ...(approvalId === undefined ? {} : { approvalId }) },
    },
    ...suspendedByRule(state, leaf, judged, now),
  ]);
};

/** Suspends the lease of the acting run if a rule does, and nothing but a run has suspended it yet. */
export function suspendedByRule(state: LogState, leaf: GrantNode, { suspends }: Judgement, now: number): NewEvent[] {
  if (!suspends) return [];
  const blocked = blockedItself(state, leaf, now);
  const isHeldByRun = blocked?.status === 'suspended' && blocked.aside === undefined && state.heldByRun.has(leaf.id);
  if (blocked && !isHeldByRun) return [];
  const reason = { code: 'POLICY_RULE', says: clip(suspends.message, LIMITS.reasonLength) };
  const { treeId, runId, id: grantId } = leaf;
  return [{ type: 'GrantSuspended', treeId, runId, grantId, data: { reason } }];
}

/** Returns what is left once a permit is charged. @param purses and the budgets of manifests */
function leftAfter(
  chain: readonly GrantNode[],
  purses: readonly Purse[],
  charge: Consumed,
  now: number,
): Pick<DecidedAction, 'remaining' | 'least'> {
  const remaining = remainingOf(asSeenBelow(chain), charge);
  return purses.length === 0 ? { remaining } : { remaining, least: leastLeft(remaining, purses, now, charge) };
}

/** Names the tenant budgets of a permit in its event. */
export const drawingFrom = (purses: readonly PurseNode[]): { tenantBudgets?: string[] } =>
  purses.length === 0 ? {} : { tenantBudgets: purses.map(({ name }) => name) };

/**
 * Returns the time by which a permitted call must start, limited by its leases, and that by which its outcome is
 * reported, which they do not limit.
 */
export function timesOf(chain: readonly GrantNode[], now: number): { expiresAt: string; outcomeUntil: string } {
  const starts = Math.min(now + LIMITS.permitMs, ...chain.map((grant) => grant.expiresAt));
  return { expiresAt: rfc3339(starts), outcomeUntil: rfc3339(starts + LIMITS.outcomeMs) };
}

/**
 * Denies a call under a lease that has ended, with nothing but the call and the end of the lease in the event. The
 * token of the lease may still be held by anyone.
 */
function deniedUnderDead(
  state: LogState,
  command: CommandOf<'authorize'>,
  { facts, labels, ...asked }: Asked,
  run: RunNode,
  chain: readonly GrantNode[],
  dead: Blocked,
): ReturnType<Decide<'authorize'>> {
  const { type, id } = facts.resource;
  const little = {
    ...asked,
    facts: { ...facts, resource: { type, id, attributes: {} } },
    labels: labels.filter(
      (each) => each === 'escalation' || RULE_LABELS.has(each) || state.policies.rules.labels.has(each),
    ),
  };
  const binding = bindingOf(command, { facts, labels, ...asked }, run);
  const where = { treeId: run.treeId, runId: run.id, grantId: (chain[0] as GrantNode).id };
  const data = {
    ...recordOf(command, little, run, binding, [livenessReason(chain, dead)], chain),
    ...underPolicy(state),
  };
  const used = command.approvalId === undefined ? {} : { approvalId: command.approvalId };
  const actionId = newId('action', state, command.commandId);
  return ok([{ type: 'ActionDenied', ...where, actionId, data: { ...data, ...used } }]);
}

/** Names the policy of a decision, unless it is the one that the release ships. */
const underPolicy = ({ policies: { version } }: LogState): Pick<DecidedAction, 'policy'> =>
  version === 0 ? {} : { policy: version };

/** Returns the tree of an action that is in flight, or ended recently enough that a second report is recognized. */
export function treeOfAction(state: LogState, id: string): string | undefined {
  const run = state.runs.get(settledOf(state, id)?.runId ?? '');
  return state.actions.get(id)?.treeId ?? run?.treeId;
}

/** I8: binds an approval to exactly the facts that a person approves. */
function bindingOf(command: CommandOf<'authorize'>, { facts, charge }: Asked, run: RunNode): string {
  return canonicalDigest({
    runId: run.id,
    verb: facts.verb,
    tool: facts.tool ?? null,
    effect: facts.effect,
    ...(facts.effects === undefined ? {} : { effects: facts.effects }),
    ...(facts.stated === undefined ? {} : { stated: facts.stated }),
    resource: facts.resource,
    argsDigest: command.action.argsDigest ?? null,
    cost: charge.cost,
    ...(charge.units === undefined ? {} : { units: charge.units }),
  });
}

/** A call as far as a person's answer depends on it. */
export interface CallAsked extends AskedFor {
  readonly binding: string;
  /** @see callAsked */
  readonly asks: string;
  readonly approvalId: string | undefined;
  /** its arguments are stated, or stated to be none */
  readonly isExact: boolean;
}

/** Combines the judgment with a person's answer to this exact call. */
export function withPerson(
  state: LogState,
  judged: Judgement,
  call: CallAsked,
  now: number,
): { outcome: DecisionOutcome; reasons: Reason[]; approved: boolean } {
  const { approvalId, isExact } = call;
  const reasons = [...judged.reasons];
  const approval = approvalId === undefined ? undefined : useOf(state, approvalId, call, judged.objections, now);
  if (approval) reasons.push(approval);
  const isAnyRefused = state.coolDowns.size > 0 || state.refusals.size > 0;
  const refused = isAnyRefused
    ? refusedBefore(state, call.asks, now, state.approvals.get(approvalId ?? ''))
    : undefined;
  if (refused) reasons.push(refusedReason(refused));
  const approved = approval?.outcome === 'permit' && judged.outcome !== 'deny' && !refused;
  const outcome = approved ? 'permit' : strictest(reasons);
  if (outcome !== 'step-up' || isExact) return { outcome, reasons, approved };
  return { outcome: 'deny', reasons: [...reasons, ARGUMENTS_NOT_STATED], approved };
}

/** I8: an approval covers one exact call, and arguments that are not stated could be anything. */
const ARGUMENTS_NOT_STATED: Reason = {
  rule: 'approval',
  outcome: 'deny',
  code: 'ARGUMENTS_NOT_STATED',
  message:
    'a person must approve this exact call, and its arguments are not stated: send action.args ({} if it has none) or action.argsDigest',
};

/** I8: an approval covers its exact action and the objections that its card showed, once, before it expires. */
function useOf(state: LogState, id: string, call: CallAsked, objections: readonly string[], now: number): Reason {
  const approval = state.approvals.get(id);
  const no = (code: 'APPROVAL_MISMATCH' | 'APPROVAL_NOT_USABLE', message: string): Reason => ({
    rule: 'approval',
    outcome: 'deny',
    code,
    message,
  });
  if (!approval || approval.kind !== 'action')
    return no('APPROVAL_NOT_USABLE', `approval ${id} of an action not found`);
  if (isStanding(approval) ? !(call.isExact && coversCall(approval, call)) : approval.binding !== call.binding) {
    return no(
      'APPROVAL_MISMATCH',
      `approval ${id} was given for another call: verb, resource, arguments, cost and run must be the same`,
    );
  }
  if (approval.status === 'pending') {
    return { rule: 'approval', outcome: 'step-up', message: `approval ${id} has not been answered yet` };
  }
  if (approval.status !== 'approved') return no('APPROVAL_NOT_USABLE', `approval ${id} is ${approval.status}`);
  if (now >= (approval.usableUntil ?? 0)) return no('APPROVAL_NOT_USABLE', `approval ${id} was not used in time`);
  if (!isStillEnough(state, termsOf(state, questionAbout(state, call)), approval))
    return {
      rule: 'approval',
      outcome: 'step-up',
      code: 'APPROVERS_NOT_ENOUGH',
      message: `approval ${id} is not what the policy in force requires; it is asked for again`,
    };
  const added = notShown(approval.objections, objections);
  if (added.length > 0) {
    const what = listed([...new Set(added.map((each) => /:(\w+)/.exec(each)?.[1] ?? 'another objection'))]);
    return {
      rule: 'approval',
      outcome: 'step-up',
      code: 'OBJECTIONS_ADDED',
      message: `approval ${id} does not cover objections that its card did not show: ${what}; a person is asked again`,
    };
  }
  return { rule: 'approval', outcome: 'permit', code: 'APPROVED', message: approvedText(approval) };
}

/** Names all people that approved, and an approval of more than one call. */
function approvedText({ id, by = 'a person', answers = [], scope }: ApprovalNode): string {
  const people = answers.filter(({ verdict }) => verdict === 'approve').map((each) => each.by);
  return `approved by ${people.length > 0 ? people.join(' and ') : by}${scope === undefined ? '' : ` for the ${scope} (${id})`}`;
}

/** Returns a call as rules about approvals see it. */
const questionAbout = (state: LogState, { runId, facts, charge }: AskedFor): Question => ({
  kind: 'action',
  agentClass: state.runs.get(runId)?.agent.class ?? '',
  risk: facts.risk,
  verb: facts.verb,
  effects: facts.effects ?? [facts.effect],
  cost: charge.cost,
});

function recordOf(
  command: CommandOf<'authorize'>,
  { facts, labels, charge, drift, understands }: Asked,
  run: RunNode,
  binding: string,
  reasons: Reason[],
  chain: readonly GrantNode[],
): DecidedAction {
  const { attributes } = facts.resource;
  return {
    verb: facts.verb,
    ...(facts.tool === undefined ? {} : { tool: facts.tool }),
    effect: facts.effect,
    ...(facts.effects === undefined ? {} : { effects: [...facts.effects] }),
    risk: facts.risk,
    ...recordedStage(facts.effect, facts.stage),
    ...(facts.stated === undefined ? {} : { stated: facts.stated }),
    resource: {
      type: facts.resource.type,
      id: facts.resource.id,
      ...(Object.keys(attributes).length ? { attributes } : {}),
    },
    ...(command.action.argsDigest === undefined ? {} : { argsDigest: command.action.argsDigest }),
    charge,
    labels,
    agentClass: run.agent.class,
    ...(facts.currentPosture === undefined ? {} : { posture: facts.currentPosture }),
    ...(command.parentActionId === undefined ? {} : { parentActionId: command.parentActionId }),
    binding,
    reasons,
    proof: facts.proof,
    ...(drift === 0 ? {} : { drift }),
    remaining: remainingOf(asSeenBelow(chain)),
    ...(understands === undefined ? {} : { understands: [...understands] }),
  };
}

/** Requests an approval of this exact call, unless one is already pending. */
function stepUp(
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

/** I3: ends each grant whose lifetime cap a count reaches, since counts are never released. */
export function exhaustedBy(chain: readonly GrantNode[], charge: Consumed): NewEvent[] {
  return chain.flatMap((grant): NewEvent[] => {
    const caps = countsReached(grant.usage, grant.limits.budget, charge);
    return caps.length === 0 ? [] : [exhausted(grant, caps)];
  });
}

export function exhausted(grant: GrantNode, caps: string[], overrun = false): NewEvent {
  const says = overrun
    ? `an action cost more than was reserved for it${caps.length ? `; ${caps.join(', ')} used up` : ''}`
    : `${caps.join(', ')} used up`;
  return {
    type: 'GrantExhausted',
    treeId: grant.treeId,
    runId: grant.runId,
    grantId: grant.id,
    data: {
      caps,
      ...(overrun ? { overrun } : {}),
      reason: { code: overrun ? 'OVERRUN' : 'BUDGET_EXHAUSTED', says: clip(says, LIMITS.reasonLength) },
    },
  };
}
