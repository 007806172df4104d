import { z } from 'zod';
import { CALENDAR_UNITS } from '@bailiwick/core/calendar';
import { LIMITS } from '@bailiwick/core/limits';
import { scopedObligations } from '../obligations/obligation';
import { amount, costs, duration, idOf, name, time, agentName, timezone, units } from '../primitives';

/** The dimensions of a grant, in the order in which reasons are listed. */
export const DIMENSIONS = [
  'time',
  'session',
  'purpose',
  'actions',
  'resources',
  'permissions',
  'deny',
  'budget',
  'delegation',
  'risk',
  'posture',
  'obligations',
] as const;
export type DimensionName = (typeof DIMENSIONS)[number];
/** The dimensions that a grant may lack; without one, nothing is limited in it. */
export const OPTIONAL_DIMENSIONS = ['permissions', 'deny', 'obligations'] as const satisfies DimensionName[];
export type OptionalDimension = (typeof OPTIONAL_DIMENSIONS)[number];

export const RISKS = ['low', 'medium', 'high', 'irreversible'] as const;
export const risk = z.enum(RISKS);
export type Risk = z.infer<typeof risk>;

export const MODES = ['draft', 'propose', 'execute'] as const;
export const mode = z.enum(MODES);
export type Mode = z.infer<typeof mode>;

export const EFFECTS = ['read', 'write', 'exec', 'external'] as const;
export const effect = z.enum(EFFECTS);
export type Effect = z.infer<typeof effect>;

export const COUNTERS = ['calls', 'reads', 'writes', 'external'] as const;
export type Counter = (typeof COUNTERS)[number];
/** The counter that an effect is charged to, in addition to `calls`. */
export const COUNTER_OF: Readonly<Record<Effect, Exclude<Counter, 'calls'>>> = {
  read: 'reads',
  write: 'writes',
  exec: 'writes',
  external: 'external',
};

// ---- full limits: what an issued grant holds -------------------------------------------------------------------

/** RFC 7638 thumbprint (SHA-256, base64url) of the key the run must prove it holds. */
export const jkt = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be a base64url SHA-256 key thumbprint (RFC 7638)');
export const sessionLimit = z.strictObject({ jkt: jkt.optional() });
export type SessionLimit = z.infer<typeof sessionLimit>;

const threshold = z.number().min(0).max(1);
export const onDrift = z
  .strictObject({ stepUpAt: threshold, suspendAt: threshold })
  .refine((value) => value.stepUpAt <= value.suspendAt, { error: 'stepUpAt must not be above suspendAt' });
export const delegatedSources = z.array(name).max(LIMITS.delegatedSources);
export const purposeLimit = z.strictObject({ onDrift, delegatedSources });
export type PurposeLimit = z.infer<typeof purposeLimit>;

/** Only the size is checked here; `@bailiwick/authority/matching/pattern` checks and normalizes patterns. */
const pattern = z.string().min(1).max(LIMITS.resourceIdLength);
const patterns = z.array(pattern).max(LIMITS.patternsPerList);
export const actionsLimit = z.strictObject({
  allow: patterns,
  deny: patterns,
  mode,
  /** its modes read the stage of an action; those of leases that earlier releases issued admit nothing but reads */
  stages: z.literal(true).optional(),
});
export type ActionsLimit = z.infer<typeof actionsLimit>;

export const scalar = z.union([z.string().max(LIMITS.nameLength), z.number(), z.boolean()]);
export type Scalar = z.infer<typeof scalar>;
const scalars = z.array(scalar).min(1).max(LIMITS.valuesPerCondition);
const conditionText = z.string().max(LIMITS.nameLength);
/** The operators on a single value. `like` compares the whole text, in which `*` stands for any text. */
const onScalar = {
  eq: scalar.optional(),
  ne: scalar.optional(),
  in: scalars.optional(),
  notIn: scalars.optional(),
  lt: z.number().optional(),
  lte: z.number().optional(),
  gt: z.number().optional(),
  gte: z.number().optional(),
  prefix: conditionText.optional(),
  suffix: conditionText.optional(),
  like: conditionText.min(1).optional(),
};
/** The operators on a list: one, all or none of its elements are among the values. */
const onList = { any: scalars.optional(), all: scalars.optional(), none: scalars.optional() };
export const SCALAR_OPERATORS = Object.keys(onScalar) as (keyof typeof onScalar)[];
export const LIST_OPERATORS = Object.keys(onList) as (keyof typeof onList)[];
/** All given members must hold; at least one is required. */
export const condition = z
  .strictObject({ ...onScalar, ...onList })
  .refine((value) => Object.values(value).some((part) => part !== undefined), {
    error: `a condition needs one of ${[...SCALAR_OPERATORS, ...LIST_OPERATORS].join(', ')}`,
  })
  .refine(
    (value) =>
      !SCALAR_OPERATORS.some((each) => value[each] !== undefined) ||
      !LIST_OPERATORS.some((each) => value[each] !== undefined),
    { error: 'no value satisfies operators on a list (any, all, none) together with operators on a single value' },
  )
  .refine(({ ne, notIn = [], none = [] }) => [notIn, none].every((list) => isOfOneType(ne, list)), {
    error: 'the values of ne, notIn and none must be of one type: only a value of the same type can be another value',
  });
export type Condition = z.infer<typeof condition>;
function isOfOneType(first: Scalar | undefined, rest: readonly Scalar[]): boolean {
  const types = new Set([...(first === undefined ? [] : [first]), ...rest].map((each) => typeof each));
  return types.size <= 1;
}
export const selector = z.strictObject({
  type: z.string().min(1).max(LIMITS.nameLength),
  match: pattern,
  /** in `match`, characters with a meaning in other pattern languages (`[id].tsx`, `(group)`) are literal */
  literal: z.literal(true).optional(),
  /** patterns of what the selector leaves out of `match` */
  except: z.array(pattern).min(1).max(LIMITS.exceptionsPerSelector).optional(),
  where: z
    .record(z.string().min(1).max(LIMITS.nameLength), condition)
    .refine((value) => Object.keys(value).length <= LIMITS.conditionsPerSelector, {
      error: `at most ${LIMITS.conditionsPerSelector} conditions`,
    })
    .optional(),
});
export type Selector = z.infer<typeof selector>;

/** Actions whose completion ends a lease. Without `resources`: on any resource. */
export const ending = z.strictObject({
  actions: patterns.min(1),
  resources: z.array(selector).min(1).max(LIMITS.selectorsPerGrant).optional(),
});
export type Ending = z.infer<typeof ending>;
const endsOn = z.array(ending).min(1).max(LIMITS.endsPerGrant);
export const timeLimit = z.strictObject({
  notBefore: time,
  expiresAt: time,
  /** the lease may be renewed up to this time; left out: not at all */
  renewUntil: time.optional(),
  /** with `renewUntil`: how long the lease lasts from a renewal */
  ttl: duration.optional(),
  /** the lease ends when one of these actions is recorded as completed */
  endsOn: endsOn.optional(),
});
export type TimeLimit = z.infer<typeof timeLimit>;

export const resourcesLimit = z.array(selector).max(LIMITS.selectorsPerGrant);
export type ResourcesLimit = z.infer<typeof resourcesLimit>;

/** Caps for a part of the actions of a lease, over its lifetime. */
const partCaps = { calls: amount.optional(), cost: costs.optional(), units: units.optional() };
/**
 * An entry admits its verbs on its resources; `mode` is that of `actions`, for what this entry admits. Its caps count
 * every action that it covers, also one that another entry admits.
 */
export const permission = z.strictObject({
  actions: patterns.min(1),
  resources: resourcesLimit.min(1),
  mode: mode.optional(),
  /** it admits nothing from this time on; left out: as long as the lease */
  until: time.optional(),
  ...partCaps,
});
export type Permission = z.infer<typeof permission>;
/** An action needs one entry that admits it, in addition to what `actions` and `resources` admit. */
export const permissionsLimit = z.array(permission).max(LIMITS.permissionsPerGrant);
export type PermissionsLimit = z.infer<typeof permissionsLimit>;

/** What a selector of a denied pair covers has no exceptions: in doubt it is denied. */
export const deniedSelector = selector.omit({ except: true });
/** Denies each of its verbs on each of its resources. */
export const deniedPair = z.strictObject({
  actions: patterns.min(1),
  resources: z.array(deniedSelector).min(1).max(LIMITS.selectorsPerGrant),
});
export type DeniedPair = z.infer<typeof deniedPair>;
export const denyLimit = z.array(deniedPair).max(LIMITS.deniedPairsPerGrant);
export type DenyLimit = z.infer<typeof denyLimit>;

export const partialCaps = {
  calls: amount.optional(),
  reads: amount.optional(),
  writes: amount.optional(),
  external: amount.optional(),
  cost: costs.optional(),
  units: units.optional(),
};
export const calendarUnit = z.enum(CALENDAR_UNITS);
/** Caps per rolling period of a length, or per day, week or month in a time zone. */
export const windowCap = z
  .strictObject({ per: z.union([calendarUnit, duration]), timezone: timezone.optional(), ...partialCaps })
  .refine(({ per, timezone: zone }) => calendarUnit.safeParse(per).success === (zone !== undefined), {
    error: 'a window per day, week or month needs a timezone, such as Europe/Berlin; no other window has one',
  });
export type WindowCap = z.infer<typeof windowCap>;
const perAction = z.strictObject({ cost: costs.optional(), units: units.optional() });
/** Caps for the actions that match one of the patterns. */
export const verbCap = z
  .strictObject({
    actions: patterns.min(1),
    ...partCaps,
  })
  .refine(({ calls, cost, units: counted }) => [calls, cost, counted].some((each) => each !== undefined), {
    error: 'an entry of perVerb needs one of calls, cost, units',
  });
export type VerbCap = z.infer<typeof verbCap>;
const perVerb = z.array(verbCap).max(LIMITS.verbCapsPerBudget);
export const windows = z.array(windowCap).max(LIMITS.windowsPerBudget);
export const budgetLimit = z.strictObject({
  calls: amount,
  reads: amount,
  writes: amount,
  external: amount,
  cost: costs,
  /** anything else that is counted, such as tokens; left out: nothing */
  units: units.optional(),
  perAction: perAction.optional(),
  perVerb: perVerb.optional(),
  /** the share of any cap beyond which a person is asked */
  askAt: threshold.optional(),
  /** the caps of the lifetime are set aside from the parent's */
  reserve: z.literal(true).optional(),
  windows,
});
export type BudgetLimit = z.infer<typeof budgetLimit>;

export const delegationLimit = z.strictObject({
  depth: z.number().int().min(0).max(LIMITS.treeDepth),
  children: z.number().int().min(0).max(LIMITS.childrenPerGrant),
  classes: z.array(name).max(LIMITS.classesPerList),
  /** the most children that live at one time; left out: only `children` limits them */
  concurrent: z.number().int().min(1).max(LIMITS.childrenPerGrant).optional(),
  /** each child waits for a person's approval */
  ask: z.literal(true).optional(),
});
export type DelegationLimit = z.infer<typeof delegationLimit>;

export const riskLimit = z.strictObject({ ceiling: risk, approvalFrom: risk });
export type RiskLimit = z.infer<typeof riskLimit>;

const admissible = z.array(name).min(1).max(LIMITS.classesPerList).optional();
/** The admissible values of each attribute; an attribute left out is not limited. */
export const postureLimit = z.strictObject({
  agentClass: admissible,
  model: admissible,
  modelVersion: admissible,
  environment: admissible,
  imageDigest: admissible,
  /** the issuers of tokens that may have attested the posture when the run was opened */
  attestedBy: admissible,
});
export type PostureLimit = z.infer<typeof postureLimit>;

/** What the enforcement point must do with the calls that are permitted; it denies none. */
export const obligationsLimit = scopedObligations;
export type ObligationsLimit = z.infer<typeof obligationsLimit>;

export const limits = z.strictObject({
  time: timeLimit,
  session: sessionLimit,
  purpose: purposeLimit,
  actions: actionsLimit,
  resources: resourcesLimit,
  permissions: permissionsLimit.optional(),
  deny: denyLimit.optional(),
  budget: budgetLimit,
  delegation: delegationLimit,
  risk: riskLimit,
  posture: postureLimit,
  obligations: obligationsLimit.optional(),
});
export type Limits = z.infer<typeof limits>;

// ---- request: every part may be left out -----------------------------------------------------------------------

export const grantRequest = z.strictObject({
  time: z
    .strictObject({
      ttl: duration.optional(),
      notBefore: time.optional(),
      expiresAt: time.optional(),
      /** a time, or a duration from the start of the lease */
      renewUntil: z.union([time, duration]).optional(),
      endsOn: endsOn.optional(),
    })
    .refine((value) => !(value.ttl && value.expiresAt), { error: 'give ttl or expiresAt, not both' })
    .optional(),
  session: sessionLimit.optional(),
  purpose: z.strictObject({ onDrift: onDrift.optional(), delegatedSources: delegatedSources.optional() }).optional(),
  actions: z.strictObject({ allow: patterns.optional(), deny: patterns.optional(), mode: mode.optional() }).optional(),
  resources: resourcesLimit.optional(),
  permissions: permissionsLimit.optional(),
  deny: denyLimit.optional(),
  budget: z
    .strictObject({
      ...partialCaps,
      perAction: perAction.optional(),
      perVerb: perVerb.optional(),
      askAt: threshold.optional(),
      reserve: z.boolean().optional(),
      windows: windows.optional(),
    })
    .optional(),
  delegation: z
    .strictObject({
      depth: delegationLimit.shape.depth.optional(),
      children: delegationLimit.shape.children.optional(),
      classes: delegationLimit.shape.classes.optional(),
      concurrent: delegationLimit.shape.concurrent,
      ask: delegationLimit.shape.ask,
    })
    .optional(),
  risk: z.strictObject({ ceiling: risk.optional(), approvalFrom: risk.optional() }).optional(),
  posture: postureLimit.optional(),
  obligations: obligationsLimit.optional(),
});
export type GrantRequest = z.infer<typeof grantRequest>;

// ---- the acting agent ------------------------------------------------------------------------------------------

export const posture = z.strictObject({
  model: name.optional(),
  modelVersion: name.optional(),
  environment: name.optional(),
  imageDigest: name.optional(),
});
export type Posture = z.infer<typeof posture>;
export const agent = z.strictObject({
  class: agentName,
  instance: name.optional(),
  posture: posture.optional(),
  /** the configured issuer whose token attested the whole posture; left out: the one that opened the run states it */
  attestedBy: agentName.optional(),
});
export type Agent = z.infer<typeof agent>;
/** An agent as requests state it: an attestation is a token, not a statement. */
export const requestedAgent = agent.omit({ attestedBy: true });

// ---- responses -------------------------------------------------------------------------------------------------

export const GRANT_STATUSES = [
  'active',
  'suspended',
  'superseded',
  'completed',
  'expired',
  'exhausted',
  'revoked',
] as const;
export const grantStatus = z.enum(GRANT_STATUSES);
export type GrantStatus = z.infer<typeof grantStatus>;
export const RUN_STATUSES = [
  'pending',
  'active',
  'suspended',
  'completed',
  'expired',
  'exhausted',
  'revoked',
  'refused',
] as const;
export const runStatus = z.enum(RUN_STATUSES);
export type RunStatus = z.infer<typeof runStatus>;

/** Has the shape of the counted members of `limits.budget`; reserved and committed amounts together. */
export const consumed = z.strictObject({
  calls: amount,
  reads: amount,
  writes: amount,
  external: amount,
  cost: costs,
  /** left out if there are none */
  units: units.optional(),
});
export type Consumed = z.infer<typeof consumed>;

export const runView = z.object({
  id: idOf('run'),
  treeId: idOf('tree'),
  parentRunId: idOf('run').optional(),
  agent,
  /** null once erased */
  requestedBy: z.string().nullable(),
  /** the actor that stated `requestedBy`: the one that opened the root run */
  requestedByStatedBy: z.string().optional(),
  /** the person whose answer issued its lease */
  approvedBy: z.string().optional(),
  /** everyone whose approval its lease, or a call of it, has had; left out if that is `approvedBy` alone */
  approvers: z.array(z.string()).readonly().optional(),
  purpose: z.string().nullable(),
  task: z.string().nullable().optional(),
  startedAt: time,
  expiresAt: time.optional(),
  endedAt: time.optional(),
  endReason: z.string().optional(),
  status: runStatus,
  grantId: idOf('grant').optional(),
  drift: z.number().optional(),
  /** decided by another installation, and imported */
  imported: z.literal(true).optional(),
});
export type RunView = z.infer<typeof runView>;

export const grantView = z.object({
  id: idOf('grant'),
  treeId: idOf('tree'),
  parentId: idOf('grant').optional(),
  runId: idOf('run'),
  depth: z.number().int(),
  status: grantStatus,
  /** why an active grant is not live: the id and status of an ancestor */
  blockedBy: z.object({ grantId: z.string(), status: z.string(), revocationId: z.string().optional() }).optional(),
  limits,
  consumed,
  reserved: consumed,
  children: z.number().int(),
  issuedAt: time,
  endedAt: time.optional(),
  endReason: z.string().optional(),
  supersededBy: idOf('grant').optional(),
  /** one sentence, if the manifest of its class allows less than its limits */
  manifest: z.string().optional(),
  position: z.number().int(),
  /** decided by another installation, and imported */
  imported: z.literal(true).optional(),
});
export type GrantView = z.infer<typeof grantView>;
