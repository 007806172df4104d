import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { DecisionOutcome, Reason } from '@bailiwick/contracts/reason';
import type { Refusal } from '@bailiwick/contracts/reason';
import type { Obligation } from '@bailiwick/contracts/obligations/obligation';
import type { RuleReason, Trajectory, TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';
import type { ValueMarks } from '@bailiwick/contracts/actions/value-marks';
import { LIMITS } from '@bailiwick/core/limits';
import { foldSpaces } from '@bailiwick/core/look-alike';
import { err, ok, type Result } from '@bailiwick/core/result';
import { conditionReasons } from '../../conditions/in-force';
import { manifestReasons } from '../../manifests/in-force';
import { classify } from '../../matching/catalog';
import type { Catalog } from '../../matching/catalog/compile';
import { SENDS } from '../../events/action-events';
import { unverifiedCost } from '../../matching/unverified';
import type { ActionFacts, Situation, Usage } from '../../dimensions/dimension';
import { DIMENSION_TABLE } from '../../dimensions/all';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { toolFault } from '../../matching/names';
import { namesPlace } from '../../state/places';
import { normalizeResourceId } from '../../matching/pattern';
import { toolDeniedBy, type Named } from '../../revocation/revocation-rules';
import { objectionsTo, obligationsOf } from '../../obligations/in-force';
import { pursesFor } from '../../state/purses';
import { asSeenBelow } from '../../state/reserves';
import type { ActionNode, GrantNode, LogState, RunNode, TreeNode } from '../../state/state';
import { chargeOf } from '../../state/usage';
import { normalizeVerb } from '../../matching/verbs/verb';
import type { BrokeredCall } from './brokered';
import { fromArguments } from './from-arguments';
import { objectionsIn } from './objections';
import { beyondPurses } from './tenant-budgets';
import { refuse, type Rules } from '../types';
import type { Consumed } from '@bailiwick/contracts/grants/grant';

/** A requested action, with every name normalized and every default filled in. */
export interface Asked {
  readonly facts: ActionFacts;
  readonly labels: string[];
  readonly charge: Consumed;
  readonly drift: number | 'unavailable';
  /** where the arguments of the call and the request do not agree */
  readonly faults: readonly Reason[];
  /** of the entries of the catalog; undefined: none */
  readonly obligations?: readonly Obligation[] | undefined;
  /** the obligations that the enforcement point states to apply; undefined: it compares them itself */
  readonly understands?: readonly string[] | undefined;
  /** of the values of its arguments, as its tree has them; undefined: none were stated */
  readonly marks?: ValueMarks | undefined;
}

type Authorize = CommandOf<'authorize'>;

/** Normalizes the request once, so that a second spelling of a name evades no rule, or returns its fault. */
export function understand(
  command: Authorize,
  run: RunNode,
  root: GrantNode,
  { catalog, version }: { readonly catalog: Catalog; readonly version: number },
): Result<Asked, Refusal> {
  const verb = normalizeVerb(command.action.verb);
  if (!verb.ok) return refuse('PATTERN_INVALID', `action.verb ${JSON.stringify(command.action.verb)}: ${verb.error}`);
  const id = normalizeResourceId(command.resource.id);
  if (!id.ok) return refuse('PATTERN_INVALID', `resource.id ${JSON.stringify(command.resource.id)}: ${id.error}`);
  const tool = toolFault(command.action.tool);
  if (tool) return err(tool);
  const { entry, facts: known } = catalog.lookup(command.action.verb, command.action.tool);
  const taken = fromArguments(command, id.value, entry, version);
  if (!taken.ok) return taken;
  const { attributes, cost, units, faults } = taken.value;
  const { type } = command.resource;
  const stated = command.actor.kind === 'run' || !command.proof.vouched ? ('run' as const) : undefined;
  const { effect, effects, risk, labels, stage } = classify(
    {
      verb: verb.value,
      spelled: command.action.verb,
      tool: command.action.tool,
      vouched: stated === undefined,
      named: namesPlace(root.limits, type, id.value),
      effect: command.action.effect,
      risk: command.action.risk,
      labels: command.labels ?? [],
      resource: { type, id: id.value, attributes },
    },
    catalog,
  );
  const reported = command.drift;
  const drift =
    reported === undefined ? run.drift : reported === 'unavailable' ? reported : Math.max(run.drift, reported.score);
  const facts: ActionFacts = {
    verb: verb.value,
    tool: command.action.tool === undefined ? undefined : foldSpaces(command.action.tool),
    effect,
    effects: effects.length > 1 ? effects : undefined,
    risk,
    stage,
    stated,
    resource: { type, id: id.value, attributes },
    cost,
    units,
    agentClass: run.agent.class,
    attestedBy: run.agent.attestedBy,
    declaredPosture: run.agent.posture ?? {},
    currentPosture: command.posture,
    proof: command.proof.vouched ? { vouched: true } : { vouched: false, jkt: command.proof.jkt },
  };
  return ok({
    facts,
    labels: [...labels].sort(),
    charge: chargeOf(effects, cost, units),
    drift,
    faults,
    obligations: known.obligations,
    understands: command.understands && [...new Set(command.understands)].sort(),
    ...(command.marks === undefined ? {} : { marks: command.marks }),
  });
}

/** All objections to an action, and the strictest outcome. An empty list is a permit. */
export interface Judgement {
  readonly outcome: DecisionOutcome;
  readonly reasons: Reason[];
  /** all objections that need a person, even if the list of reasons is cut */
  readonly objections: string[];
  /** the reason of a rule that suspends the lease of the acting run */
  readonly suspends?: Reason | undefined;
  /** what a permit obliges the enforcement point to do */
  readonly obligations: readonly Obligation[];
}

const STRICT: Record<DecisionOutcome, number> = { permit: 0, 'step-up': 1, deny: 2 };

/**
 * Intersects every limit: liveness of the whole chain (I2), each dimension of each of its grants, the manifests of their
 * classes, the revoked tools, the trajectory of the tree. Each is evaluated independently of the others; the strictest answer counts.
 */
export function judge(
  state: LogState,
  chain: readonly GrantNode[],
  asked: Asked,
  now: number,
  rules: Rules,
  call?: BrokeredCall,
): Judgement {
  const leaf = chain[0] as GrantNode;
  const reasons: Reason[] = [];
  const blocked = blockedInChain(state, chain, now);
  if (blocked) reasons.push(livenessReason(chain, blocked));
  const accounts = asSeenBelow(chain);
  for (const [i, grant] of chain.entries()) {
    const { usage } = accounts[i] as GrantNode;
    const objections = objectionsOf(grant, usage, asked, grant === leaf, now);
    if (objections.length > 0) {
      reasons.push({
        rule: 'grant',
        grantId: grant.id,
        outcome: strictest(objections),
        message: grant === leaf ? 'this grant' : `its ancestor ${grant.id}`,
        reasons: objections,
      });
    }
  }
  reasons.push(...manifestReasons(state, chain, accounts, asked, now, rules));
  const purses = pursesFor(state, leaf.treeId, asked.labels);
  if (purses.length > 0) reasons.push(...beyondPurses(purses, asked.facts, now));
  const unbound = unboundBelow(chain, asked);
  if (unbound) reasons.push(unbound);
  const tool = revokedTool(state, chain, asked.facts, now);
  if (tool) reasons.push(tool);
  if (leaf.inFlight >= LIMITS.inFlightPerGrant) {
    reasons.push({
      rule: 'liveness',
      outcome: 'deny',
      code: 'TOO_MANY_IN_FLIGHT',
      message: `${leaf.inFlight} actions wait for their outcome; report outcomes before asking for more`,
      limit: LIMITS.inFlightPerGrant,
    });
  }
  const tree = state.trees.get(leaf.treeId);
  const step = stepAsked(asked, leaf.runId);
  const inFlight = tree?.sending.filter(({ expiresAt }) => now < expiresAt) ?? [];
  if (inFlight.length >= LIMITS.sendingPerTree && asked.labels.some((each) => SENDS.has(each))) {
    reasons.push({
      rule: 'liveness',
      outcome: 'deny',
      code: 'TOO_MANY_IN_FLIGHT',
      message: `${inFlight.length} actions of this task that may send wait for their outcome; report outcomes before asking for more`,
      limit: LIMITS.sendingPerTree,
    });
  }
  reasons.push(...asked.faults);
  const cost = unverifiedCost(asked.labels, asked.facts.stated);
  if (cost) reasons.push(cost);
  const fired = rules.judge(pastOf(state, tree, inFlight, now), step);
  const suspends = fired.find((each) => each.suspends);
  reasons.push(...conditionReasons(state, leaf.runId, asked, rules));
  if (call) fired.push(...callerReasons(state, call, asked, now, rules));
  const obliged = fired.flatMap((each) => each.obligations ?? []);
  for (const each of fired) reasons.push(withoutObligations(each));
  const obliging = { verb: asked.facts.verb, catalog: asked.obligations, rules: obliged };
  const obligations = obligationsOf(state, chain, obliging, rules);
  if (obligations.length > 0) reasons.push(...objectionsTo(obligations, asked.understands));
  return {
    outcome: strictest(reasons),
    reasons: cut(reasons),
    objections: objectionsIn(reasons),
    suspends,
    obligations,
  };
}

function withoutObligations(reason: RuleReason): Reason {
  if (reason.obligations === undefined) return reason;
  const { obligations: _, ...rest } = reason;
  return rest;
}

/** Returns a requested action as a step of a tree. */
const stepAsked = ({ labels, charge, facts, marks }: Asked, runId: string): TrajectoryStep => ({
  labels,
  effect: facts.effect,
  effects: facts.effects,
  runId,
  verb: facts.verb,
  resource: facts.resource,
  agentClass: facts.agentClass,
  charge,
  marks,
  isOwnWord: facts.stated === 'run',
});

const pastOf = (
  { policies }: LogState,
  tree: TreeNode | undefined,
  inFlight: readonly ActionNode[],
  now: number,
): Trajectory => ({ first: tree?.labels ?? {}, inFlight, rules: policies.rules.list, kept: tree?.kept, now });

/**
 * What a service does for a caller is also judged as a step of the caller's tree, so that it launders no secret. A rule
 * that suspends only denies here: the lease of the service is not at fault.
 */
function callerReasons(
  state: LogState,
  { actionId, runId, treeId, objection }: BrokeredCall,
  asked: Asked,
  now: number,
  rules: Rules,
): RuleReason[] {
  if (objection) return [objection];
  const tree = state.trees.get(treeId);
  const others = tree?.sending.filter(({ id, expiresAt }) => id !== actionId && now < expiresAt) ?? [];
  return rules
    .judge(pastOf(state, tree, others, now), stepAsked(withoutMarks(asked), runId))
    .map(({ suspends: _, ...reason }) => reason);
}

/** Marks are made with the key of a tree: in another tree they can be compared with nothing. */
const withoutMarks = (asked: Asked): Asked => (asked.marks === undefined ? asked : { ...asked, marks: 'unavailable' });

/** An event body is bounded: only the first objections are kept, and the strictest outcome always. */
const MAX_REASONS = 16;

function cut(reasons: Reason[]): Reason[] {
  if (reasons.length <= MAX_REASONS) return reasons;
  const outcome = strictest(reasons);
  const [kept, rest] = [reasons.slice(0, MAX_REASONS - 1), reasons.slice(MAX_REASONS - 1)];
  return [...kept, rest.find((each) => each.outcome === outcome) ?? (rest[0] as Reason)];
}

export function strictest(reasons: readonly Reason[]): DecisionOutcome {
  let outcome: DecisionOutcome = 'permit';
  for (const reason of reasons) if (STRICT[reason.outcome] > STRICT[outcome]) outcome = reason.outcome;
  return outcome;
}

/** I11: a lease that was forged without a limit that each has is judged, and denied or refused, by the dimension. */
const isOptional = (name: string): boolean => name === 'permissions' || name === 'deny' || name === 'obligations';

function objectionsOf(grant: GrantNode, usage: Usage, asked: Asked, leaf: boolean, now: number): Reason[] {
  const { budget, actions } = grant.limits;
  const stages = actions.stages === true;
  const situation: Situation = { usage, drift: asked.drift, askAt: budget.askAt, stages, leaf };
  const objections: Reason[] = [];
  for (const dimension of DIMENSION_TABLE) {
    const limit = grant.limits[dimension.name];
    if (limit === undefined && isOptional(dimension.name)) continue;
    const verdict = dimension.admits(limit as never, asked.facts, situation, now);
    if (verdict.outcome !== 'permit') objections.push({ rule: dimension.name, ...verdict });
  }
  return objections;
}

/** Below a key-bound lease each lease has a key; one without was created outside the rules (I1, I11). */
function unboundBelow(chain: readonly GrantNode[], { facts }: Asked): Reason | undefined {
  const isBound = (grant: GrantNode): boolean => grant.limits.session.jkt !== undefined;
  const bound = chain.find(isBound);
  if (!bound || isBound(chain[0] as GrantNode) || facts.proof.vouched) return undefined;
  return {
    rule: 'session',
    outcome: 'deny',
    code: 'SESSION_PROOF_MISSING',
    message: `its ancestor ${bound.id} is bound to a key, and this grant to none`,
    path: 'session.jkt',
    grantId: bound.id,
  };
}

/** Denies what a rule names as a tool or a verb, in any spelling, or by a pattern of verbs, under leases that stay live. */
function revokedTool(state: LogState, chain: readonly GrantNode[], facts: Named, now: number): Reason | undefined {
  const denied = toolDeniedBy(state, chain, facts, now);
  if (!denied) return undefined;
  const { selector, revocationId, suspends } = denied.rule;
  const what = selector.tool === undefined ? `the verb ${facts.verb}` : `the tool ${selector.tool}`;
  return {
    rule: 'liveness',
    outcome: 'deny',
    code: 'REVOKED_BY_RULE',
    message: `${what} is ${suspends ? 'suspended' : 'revoked'} for this grant by ${revocationId}`,
    grantId: denied.grant.id,
  };
}
