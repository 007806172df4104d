import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { effects, recordedLabels, resource } from '../actions/action';
import { approvalScope } from '../approvals/approval-scope';
import { askedBundle } from '../approvals/asked-bundle';
import { budgetName, storedBudgetSelector, tenantCaps } from '../budgets/tenant-budget';
import { CODES, type Code } from '../error-codes';
import { agent, calendarUnit, consumed, effect, grantRequest, limits, posture, risk } from '../grants/grant';
import { keyChange } from '../keys/key-change';
import { mcpApproval } from '../mcp/mcp-pin';
import { mcpServerChange } from '../mcp/mcp-server-change';
import { sessionChange } from '../sessions/session-change';
import { signalRecord } from '../signals/signal-record';
import { webhookChange } from '../webhooks/webhook-change';
import { argumentMarks, resultMarks } from '../actions/value-marks';
import { decidedObligations, understands } from '../obligations/obligation';
import { deployedVersion, policyDeployed, policyPart, policyShadowed, policyVersion } from '../policy/deployment';
import { RESPONDER_DOES, RESPONDER_LIMITED } from '../policy/responder';
import { ruleName } from '../policy/rule';
import {
  amount,
  costs,
  digest,
  idOf,
  logNameSchema,
  position,
  ref,
  tenantName,
  time,
  timezone,
  unitName,
  units,
} from '../primitives';
import { plainReason, reason, type Reason } from '../reason';
import { regranted } from '../revocations/regrants';
import { incidentId, storedSelector } from '../revocations/stored-selector';
import { upcast } from './upcast';

/**
 * Every fact that the log can hold: type → shape of `data`. Personal data (names, purposes, notes, previews, free text)
 * appears only in the event's payload, which `payloadDigest` identifies; no state is folded from a payload.
 * A released shape never changes; a new one is a new type, or a new version with an upcaster (`upcast.ts`).
 */

export const actor = z.strictObject({
  kind: z.enum(['service', 'person', 'run', 'system']),
  /** a key's name, a run's id, a person's ref, or the service's name */
  id: z.string().max(LIMITS.nameLength),
  role: z.string().max(40).optional(),
  /** the groups of a person or a service, as its key or its issuer states them */
  groups: z.array(z.string().max(LIMITS.nameLength)).max(LIMITS.actorGroups).optional(),
  /** by which a person or a service was identified: the id of its key, or the issuer of its token */
  via: z.string().max(LIMITS.nameLength).optional(),
});
export type Actor = z.infer<typeof actor>;

/**
 * Parsed separately: a reason may contain reasons, and a recursive schema cannot be compiled. Most reasons have none, and
 * a rule may add the same one to every call.
 */
const reasons = z.array(
  z.unknown().transform((value, context): Reason => {
    const isPlain = typeof value === 'object' && value !== null && !('reasons' in value);
    const read = isPlain ? plain().safeParse(value) : reason.safeParse(value);
    if (read.success) return read.data;
    for (const { message, path } of read.error.issues) context.addIssue({ code: 'custom', message, path });
    return z.NEVER;
  }),
);

/** Compiled on first use. */
const plain = (): typeof plainReason => (plainReader ??= compiled(plainReason));
let plainReader: typeof plainReason | undefined;

const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);

/**
 * For a revocation that names a tool or verbs: `tool` denies them and keeps the leases; `leases` ends those that could
 * use one.
 */
export const revocationTarget = z.enum(['tool', 'leases']);
export type RevocationTarget = z.infer<typeof revocationTarget>;

/** An action in another tree, by its ids alone. */
export const otherAction = z.strictObject({ actionId: idOf('action'), runId: idOf('run'), treeId: idOf('tree') });

/** One action as recorded when it was decided. */
export const decidedAction = z.strictObject({
  verb: z.string(),
  tool: z.string().optional(),
  /** the strictest of its effects */
  effect,
  /** all effects if there are several; each is charged */
  effects: z.array(effect).min(2).max(4).optional(),
  risk,
  /** the stage of an action that does more than read, if it is not `execute` */
  stage: z.enum(['draft', 'propose']).optional(),
  /** the run stated its own call, and no enforcement point observed it */
  stated: z.literal('run').optional(),
  resource,
  argsDigest: digest.optional(),
  /** of the values of its arguments; left out if none were stated, or no rule in force follows values */
  marks: argumentMarks.optional(),
  /** reserved by a permit; for other outcomes the amount that a permit would reserve */
  charge: consumed,
  labels: recordedLabels,
  agentClass: z.string(),
  posture: posture.optional(),
  parentActionId: idOf('action').optional(),
  /** the call in another tree that this service acts for */
  calledBy: otherAction.optional(),
  /** the exact call that an approval binds to (I8): digest of verb, resource, arguments, run */
  binding: digest,
  reasons,
  /** the proved thumbprint, or whether a service vouched: the input of the session dimension */
  proof: z.strictObject({ vouched: z.boolean(), jkt: z.string().optional() }),
  drift: z.union([z.number(), z.literal('unavailable')]).optional(),
  /** the version of the policy in force; left out: 0, the one that the release ships */
  policy: deployedVersion.optional(),
  /** the least that the grants of the chain have left */
  remaining: consumed,
  /** the least that the chain, its manifests and the tenant budgets have left; left out if none of these bounds amounts */
  least: consumed.optional(),
  /** what a permit obliges the enforcement point to do; left out if there is nothing, and of a denial */
  obligations: decidedObligations.optional(),
  /** the obligations that the enforcement point stated to apply; left out if it stated none */
  understands: understands.optional(),
});
export type DecidedAction = z.infer<typeof decidedAction>;

export const feature = z.strictObject({
  name: z.string(),
  /** its part of the score; may be negative */
  contribution: z.number(),
  /** one sentence for people */
  says: z.string().max(LIMITS.reasonLength),
});
export type Feature = z.infer<typeof feature>;

/** A day, week or month of a time zone, as it was when the decision was made. */
export const calendarPeriod = z.strictObject({ per: calendarUnit, timezone, start: time, end: time });
export type CalendarPeriod = z.infer<typeof calendarPeriod>;

const approvalKind = z.enum(['grant', 'action', 'escalation']);
export type ApprovalKind = z.infer<typeof approvalKind>;

const settlement = {
  /** the final charge; may exceed the reservation (I3), and is below `cost` if there are findings */
  charge: consumed,
  cost: costs,
  /** the reported units; left out if the action has none */
  units: units.optional(),
  overrun: z.boolean().optional(),
  /**
   * reported amounts that are not charged: in a currency or a unit that no lease names, or more than a run's own report
   * may add; each names its currency or its unit
   */
  findings: z
    .array(
      z.strictObject({
        code: z.enum(['CURRENCY_NOT_NAMED', 'UNIT_NOT_NAMED', 'BEYOND_LEASE']),
        currency: z.string().max(80).optional(),
        unit: unitName.optional(),
        amount: z.number(),
      }),
    )
    .max(LIMITS.currencies + LIMITS.units)
    .optional(),
  effects: effects.optional(),
  resultDigest: digest.optional(),
  /** of the values of the result; left out as those of arguments are */
  marks: resultMarks.optional(),
  labels: recordedLabels.optional(),
};

/** Refusals counted together: their command and reason. */
export const refusedKind = z.strictObject({
  command: z.string().max(80),
  verb: z.string().max(LIMITS.nameLength).optional(),
  code: z.string().max(80),
  count: amount.min(1),
});

const endReason = z.strictObject({ code: z.string().max(80), says: z.string().max(LIMITS.reasonLength).optional() });

/** A responder, and the version of the policy that has it; 0: the one that the release ships. */
const responderRef = z.strictObject({ name: ruleName, policy: policyVersion });
export type ResponderRef = z.infer<typeof responderRef>;

const responderFired = z.strictObject({
  responder: responderRef,
  did: z.enum(RESPONDER_DOES),
  /** why it only prepared what it would have suspended */
  limited: z.enum(RESPONDER_LIMITED).optional(),
  /** the event that it responds to */
  trigger: z.strictObject({ position, treeId: idOf('tree'), runId: idOf('run') }),
  /** what it suspended, or what is ready to be suspended or revoked */
  selector: storedSelector,
  /** of the selector as of this event: a revocation that names it is refused if more would be reached by then */
  digest: z.string().max(120),
  /** present if it suspended */
  revocationId: idOf('revocation').optional(),
  until: time.optional(),
  /** firings since its last event that have none, since they exceeded its limit */
  unrecorded: z.number().int().min(1).optional(),
  reason: endReason,
});

export const EVENT_DATA = {
  RunOpened: z.strictObject({
    agent,
    principalRef: ref,
    purposeRef: ref,
    parentRunId: idOf('run').optional(),
    startedAt: time,
    /** it was opened to have what was left of a root lease that a revocation ended */
    regrants: regranted.optional(),
  }),
  GrantIssued: z.strictObject({
    parentId: idOf('grant').optional(),
    depth: z.number().int(),
    limits,
    approvalId: idOf('approval').optional(),
    /** the person who approved, as the actor's id */
    approvedBy: z.string().optional(),
    supersedes: idOf('grant').optional(),
    /** digest of the manifest of its class, beyond which the person approved it */
    beyond: digest.optional(),
  }),
  /** a child grant was refused; the reasons list the dimensions in which it exceeded its parent */
  DelegationRefused: z.strictObject({
    agentClass: z.string(),
    code,
    detail: z.string().max(LIMITS.detailLength),
    reasons,
    /** the requested limits, unless they are long; older events have none */
    asked: grantRequest.optional(),
  }),
  ApprovalRequested: z.strictObject({
    approvalId: idOf('approval'),
    kind: approvalKind,
    expiresAt: time,
    risk,
    /** kind `action`: the exact call; kind `grant` and `escalation`: digest of the limits */
    binding: digest,
    limits: limits.optional(),
    parentId: idOf('grant').optional(),
    depth: z.number().int().optional(),
    supersedes: idOf('grant').optional(),
    /**
     * kind `action`: every objection, as `commands/actions/objections.ts` keys it; exactly those that its card shows
     */
    objections: z.array(z.string().max(400)).max(LIMITS.objections).optional(),
    /** digest of the request without the requester: a refusal by a person applies to every such request */
    asks: digest.optional(),
    /** kind `escalation`: the bundle of the manifest that it asks for */
    bundle: askedBundle.optional(),
    /** the approval request that this one replaces because of new objections */
    replaces: idOf('approval').optional(),
  }),
  /** a person's answer that does not decide alone: the policy requires further people */
  ApprovalAnswered: z.strictObject({
    approvalId: idOf('approval'),
    verdict: z.enum(['approve', 'deny']),
    by: z.string(),
    /** the different people with this verdict, this one included, and those that the policy requires */
    given: z.number().int().min(1),
    needed: z.number().int().min(2),
    /** kind `grant` and `escalation`: the limits that are left for the following people, if they are less */
    limits: limits.optional(),
    /** kind `action`: what the approval covers at most, if it is more than the call */
    scope: approvalScope.optional(),
  }),
  ApprovalGiven: z.strictObject({
    approvalId: idOf('approval'),
    verdict: z.enum(['approve', 'deny']),
    by: z.string(),
    usableUntil: time.optional(),
    /** kind `grant` and `escalation`: the limits that the person gave, if they are less than those asked for */
    limits: limits.optional(),
    /** kind `action`: what the approval covers, if it is more than the call, once */
    scope: approvalScope.exclude(['call']).optional(),
    /** set if `scope` is: the calls that it covers; with the scope `run`, any resource of the type */
    covers: z
      .strictObject({
        verb: z.string(),
        tool: z.string().optional(),
        resource: z.strictObject({ type: z.string(), id: z.string() }),
      })
      .optional(),
    /** set if the person approved alone in an emergency, in place of those that the policy requires */
    breakGlass: z.literal(true).optional(),
    /** verdict `deny`: the time until which the same request is refused without asking, if the policy states one */
    refusedUntil: time.optional(),
  }),
  /** a person ended an approval of more than one call */
  ApprovalWithdrawn: z.strictObject({ approvalId: idOf('approval'), by: z.string() }),
  /** an enforcement point, or the run itself, submitted a request for access about a call that waits for a person */
  AccessRequested: z.strictObject({ approvalId: idOf('approval'), by: z.string() }),
  ApprovalExpired: z.strictObject({
    approvalId: idOf('approval'),
    /** set if another request replaced this one before it expired */
    replacedBy: idOf('approval').optional(),
  }),
  ActionPermitted: decidedAction.extend({
    /** deadline for the start of the call */
    expiresAt: time,
    /** deadline for its outcome; in older logs this is `expiresAt` */
    outcomeUntil: time.optional(),
    approvalId: idOf('approval').optional(),
    /** the tenant budgets that it draws from, in addition to the grants of its chain */
    tenantBudgets: z.array(budgetName).min(1).max(LIMITS.tenantBudgetsPerAction).optional(),
    /** the calendar periods that start with this permit in its leases and tenant budgets; left out if there are none */
    periods: z.array(calendarPeriod).max(LIMITS.calendarPeriods).optional(),
    /** the leases that end if this action is recorded as completed (`time.endsOn`) */
    ends: z.array(idOf('grant')).min(1).optional(),
  }),
  ActionDenied: decidedAction.extend({ approvalId: idOf('approval').optional() }),
  ActionStepUp: decidedAction.extend({ approvalId: idOf('approval'), expiresAt: time }),
  /** a service that this call is to was permitted an action under its own lease, in another tree */
  ActionCalled: z.strictObject({ called: otherAction, labels: recordedLabels }),
  ActionCompleted: z.strictObject(settlement),
  ActionFailed: z.strictObject(settlement),
  ActionAbandoned: z.strictObject(settlement),
  /** the outcome of an action that had been abandoned: recorded in addition, without changing the charge */
  OutcomeReportedLate: z.strictObject({
    status: z.enum(['completed', 'failed']),
    /** as reported; not charged */
    cost: costs.optional(),
    units: units.optional(),
    effects: effects.optional(),
    resultDigest: digest.optional(),
    marks: resultMarks.optional(),
    labels: recordedLabels.optional(),
  }),
  DriftScored: z.strictObject({
    /** 0..1 */
    score: z.number().min(0).max(1),
    features: z.array(feature).max(32),
    monitor: z.string(),
  }),
  GrantSuspended: z.strictObject({ reason: endReason }),
  GrantResumed: z.strictObject({ reason: endReason }),
  /** the lease lasts longer: its end so far, and its new end */
  GrantRenewed: z.strictObject({ from: time, until: time }),
  /** a live lease was tightened: the limits that it has from here on */
  GrantNarrowed: z.strictObject({ limits, reason: endReason }),
  GrantSuperseded: z.strictObject({ by: idOf('grant'), approvalId: idOf('approval') }),
  GrantRevoked: z.strictObject({ revocationId: idOf('revocation'), reason: endReason, subtree: z.literal(true) }),
  GrantExpired: z.strictObject({ reason: endReason }),
  GrantExhausted: z.strictObject({ caps: z.array(z.string()), overrun: z.boolean().optional(), reason: endReason }),
  RunCompleted: z.strictObject({ reason: endReason }),
  RevocationRuleAdded: z.strictObject({
    revocationId: idOf('revocation'),
    selector: storedSelector,
    /** present only if the selector names a tool or verbs */
    target: revocationTarget.optional(),
    /** left out: it ends leases for good */
    mode: z.literal('suspend').optional(),
    /** mode `suspend`: the time from which it no longer applies; left out: until it is lifted */
    until: time.optional(),
    quarantine: z.boolean(),
    /** the id of the incident in another system */
    incident: incidentId.optional(),
    /** a suspension by a responder: its name, and the policy that has it */
    responder: responderRef.optional(),
    reason: endReason,
  }),
  /**
   * A responder of the policy fired. It suspended by a selector, with the `RevocationRuleAdded` directly after this event,
   * or it only prepared that, because it does no more or because a limit was reached.
   */
  ResponderFired: responderFired,
  QuarantineLifted: z.strictObject({ revocationId: idOf('revocation') }),
  /** a revocation of mode `suspend` no longer applies: a person resumed its leases, or its time was over */
  SuspensionLifted: z.strictObject({ revocationId: idOf('revocation'), reason: endReason }),
  /** caps that all matching runs of the tenant draw from together; one of the same name keeps its usage */
  TenantBudgetSet: z.strictObject({ name: budgetName, selector: storedBudgetSelector, budget: tenantCaps }),
  TenantBudgetRemoved: z.strictObject({ name: budgetName }),
  /** part of the bundle of the next `PolicyDeployed` or `PolicyShadowed`; all of them are in its append */
  PolicyPart: policyPart,
  PolicyDeployed: policyDeployed,
  /** the bundle of the parts before it is a candidate: what it would have decided is compared until a time */
  PolicyShadowed: policyShadowed,
  /** an API key of the tenant was issued, rotated or revoked; neither its secret nor a digest of it is recorded */
  KeyChanged: keyChange,
  /** an administrator approved what an upstream MCP server offers */
  McpServerApproved: mcpApproval,
  /** an administrator registered an upstream MCP server, or removed it; its settings are not recorded */
  McpServerChanged: mcpServerChange,
  /** an administrator registered, rotated or removed a webhook; its address and secret are not recorded */
  WebhookChanged: webhookChange,
  /** a person or the holder of keys signed in to the console or out of it, or their sessions were ended */
  SessionChanged: sessionChange,
  /** a configured transmitter sent a security event that stopped nothing; whom it was about is not recorded */
  SignalReceived: signalRecord,
  /** the payloads about a person are to be erased: those before a position that `isErasedBy` selects */
  PayloadsErased: z.strictObject({
    subjectRef: ref,
    before: position,
    /** runs opened for the person before that position */
    runs: position,
    /** payloads that still existed */
    payloads: position,
    /** the name of the person was recorded, and is erased as well */
    name: z.literal(true).optional(),
  }),
  /**
   * The events before this one were decided by another installation, whose log was imported. Unless `live`, a rule that
   * matches everything follows at once: imported grants have no authority here.
   */
  HistoryImported: z.strictObject({
    /** origin of the log in its checkpoints at the other installation */
    origin: z.string().max(400),
    /** the verifier key that signed for it, as pinned by the operator */
    vkey: z.string().max(1_000),
    /** number of events: positions 0 to size − 1 */
    size: position,
    /** Merkle root over these events, base64 */
    root: z.string().max(100),
    /** the operator declares that its leases stay valid: the tenant moves to this installation */
    live: z.boolean(),
  }),
  /** an operator has examined a stored event that cannot be read; this ends the tree that it names */
  EventSetAside: z.strictObject({
    /** of the unreadable event */
    position,
    /** digest of its stored bytes, as shown to the operator */
    bodyDigest: digest,
    reason: endReason,
  }),
  /** a refused request without a more specific event: wrong role, not live, a used-up approval … */
  Refused: z.strictObject({
    command: z.string().max(80),
    code,
    detail: z.string().max(LIMITS.detailLength),
    reasons: reasons.optional(),
  }),
  /** refusals beyond the rate at which each is written as an event */
  RefusalsSummarized: z.strictObject({
    since: time,
    total: amount,
    refused: z.array(refusedKind).max(LIMITS.refusalKinds),
    /** of further kinds that are not counted separately */
    others: amount.optional(),
  }),
} as const;
export type EventType = keyof typeof EVENT_DATA;
/** The types of all events. */
export const eventTypes = (): [EventType, ...EventType[]] => Object.keys(EVENT_DATA) as [EventType, ...EventType[]];
export type EventData<T extends EventType> = z.infer<(typeof EVENT_DATA)[T]>;

/** The envelope: exactly the members of the stored body. */
export const envelope = z.strictObject({
  /** version of the shape of this event type; 1 if left out */
  v: z.number().int().min(2).optional(),
  log: logNameSchema,
  position,
  id: z.string().max(LIMITS.idLength),
  type: z.enum(eventTypes()),
  time,
  tenant: tenantName,
  treeId: idOf('tree').optional(),
  runId: idOf('run').optional(),
  grantId: idOf('grant').optional(),
  actionId: idOf('action').optional(),
  actor,
  commandId: z.string().max(LIMITS.idLength),
  /** digest of the request body that the client sent with its Idempotency-Key */
  requestDigest: digest.optional(),
  /** salted digest of this event's payload */
  payloadDigest: digest.optional(),
  data: z.unknown(),
});

export type Event = {
  [T in EventType]: Omit<z.infer<typeof envelope>, 'type' | 'data'> & { type: T; data: EventData<T> };
}[EventType];
export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** The erasable payload of an event; `payloadDigest` is its salted digest. */
export const payload = z.strictObject({
  /** base64url, 16 random bytes */
  salt: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  value: z.record(z.string(), z.unknown()),
});
export type Payload = z.infer<typeof payload>;

const readers = new Map<unknown, { parse(raw: unknown): unknown }>();

/** Compiles the schema of envelope and data of one type on first use, since that takes milliseconds. */
function readerOf(type: EventType): { parse(raw: unknown): unknown } {
  const whole = z.strictObject({ ...envelope.shape, type: z.literal(type), data: EVENT_DATA[type] });
  const reader = compiled(whole);
  readers.set(type, reader);
  return reader;
}

/** A compiled schema, or the schema itself if code from text is not permitted: by the content security policy of a page. */
function compiled<T extends z.ZodType>(schema: T): T {
  try {
    return z.compile<T>(schema, { strict: true });
  } catch {
    return schema;
  }
}

/**
 * Parses a stored body of any version into an event of the current version. Unknown shapes are refused: the system must
 * not act on a log that it cannot read (I11).
 * @throws ZodError; SyntaxError if the body is not JSON; Error if its version is unknown
 */
export function parseEvent(body: string): Event {
  const raw = upcast(JSON.parse(body)) as { type?: unknown } | null;
  const reader = readers.get(raw?.type) ?? readerOf(envelope.parse(raw).type);
  return reader.parse(raw) as Event;
}

/** Formats in one line why `parseEvent` refused a body: the members at fault. */
export function whyUnreadable(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  const faults = error.issues.slice(0, 4).map(({ path, message }) => `${path.join('.') || 'the event'}: ${message}`);
  return faults.join('; ');
}
