import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { ValueMarks } from '@bailiwick/contracts/actions/value-marks';
import type { Reason } from '@bailiwick/contracts/reason';
import { RULE_LABELS } from '@bailiwick/contracts/actions/trajectory';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { ok } from '@bailiwick/core/result';
import { standingFor } from '../../approvals/standing';
import { blockedItself, endedFirst, livenessReason, type Blocked, isHeldByRule } from '../../state/liveness';
import { accountsOf, leastLeft, pursesFor, type Purse, type PurseNode } from '../../state/purses';
import { chainOf, settledOf, type GrantNode, type LogState, type RunNode } from '../../state/state';
import { periodsFor } from '../../state/periods';
import { asSeenBelow } from '../../state/reserves';
import { manifestPurses } from '../../manifests/left';
import { remainingOf } from '../../state/usage';
import { clip } from '../../presentation/text';
import { brokeredCall, calledByOf, calledEvent } from './brokered';
import { recordedStage } from '../../dimensions/recorded-facts';
import { withPerson } from './answered-call';
import { stepUp } from './ask-person';
import { exhaustedBy } from './exhaust';
import { judge, understand, type Asked, type Judgement } from './judge';
import { endedByCompletion } from './ends-lease';
import { replacing } from './replace';
import { callAsked } from './refused-before';
import { actsForAnother, newId, notFound, refuse, type Decide, type NewEvent } from '../types';

/** Decides one action, which may continue another one under a new permit. */
export const authorize: Decide<'authorize'> = (state, command, now, rules) =>
  replacing(state, command, now, () => authorizeNow(state, command, now, rules));

/**
 * Decides one action. The permit is charged to the grant and all its ancestors by its own event (I3); if a count
 * reaches its cap, the same append ends that grant.
 */
const authorizeNow: Decide<'authorize'> = (state, command, now, rules) => {
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
  const { facts, charge } = asked;
  const asks = () => callAsked(run.treeId, facts.verb, facts.resource, argsDigest);
  const approvalId =
    command.approvalId ??
    (judged.outcome === 'step-up'
      ? standingFor(state, run.treeId, { runId: run.id, facts, charge }, now)?.id
      : undefined);
  // a literal, since a copy by spreading is slow and this is done for every call
  const bound = { runId: run.id, facts, charge, binding, asks, approvalId, isExact: argsDigest !== undefined };
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
    const question = { asks: asks(), objections: judged.objections, replaces: approvalId };
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
  if (blocked && !isHeldByRun && !isHeldByRule(blocked)) return [];
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
    marks: undefined,
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

/** A copy: the list of an event may be changed. */
const recordedMarks = (marks: ValueMarks): DecidedAction['marks'] => (marks === 'unavailable' ? marks : [...marks]);

function recordOf(
  command: CommandOf<'authorize'>,
  { facts, labels, charge, drift, understands, marks }: Asked,
  run: RunNode,
  binding: string,
  reasons: Reason[],
  chain: readonly GrantNode[],
): DecidedAction {
  const { attributes } = facts.resource;
  return {
    verb: facts.verb,
    tool: facts.tool,
    effect: facts.effect,
    effects: facts.effects && [...facts.effects],
    risk: facts.risk,
    ...recordedStage(facts.effect, facts.stage),
    stated: facts.stated,
    resource: {
      type: facts.resource.type,
      id: facts.resource.id,
      attributes: Object.keys(attributes).length > 0 ? attributes : undefined,
    },
    argsDigest: command.action.argsDigest,
    marks: marks && recordedMarks(marks),
    charge,
    labels,
    agentClass: run.agent.class,
    posture: facts.currentPosture,
    parentActionId: command.parentActionId,
    binding,
    reasons,
    proof: facts.proof,
    drift: drift === 0 ? undefined : drift,
    remaining: remainingOf(asSeenBelow(chain)),
    understands: understands && [...understands],
  };
}
