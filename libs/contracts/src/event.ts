import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { effects, recordedLabels, resource } from './action';
import { CODES, type Code } from './codes';
import { agent, consumed, effect, grantRequest, limits, posture, risk } from './grant';
import { amount, costs, digest, idOf, logNameSchema, name, position, ref, tenantName, time } from './primitives';
import { reason, type Reason } from './reason';
import { upcast } from './upcast';

/**
 * Every fact the log can hold: type → shape of `data`. Personal data (names, purposes, notes, previews, free text) is
 * never here but in the event's payload, named by `payloadDigest`; nothing folds over a payload.
 * A released shape never changes; a new one is a new type, or a new version with an upcaster (`upcast.ts`).
 */

export const actor = z.strictObject({
  kind: z.enum(['service', 'person', 'run', 'system']),
  /** a key's name, a run's id, a person's ref, or the service's name */
  id: z.string().max(LIMITS.nameLength),
  role: z.string().max(40).optional(),
});
export type Actor = z.infer<typeof actor>;

/**
 * A reason may hold others, and a schema that holds itself cannot be compiled: so it is read apart. Most events that
 * are read in numbers have none.
 */
const reasons = z.array(
  z.unknown().transform((value, context): Reason => {
    const read = reason.safeParse(value);
    if (read.success) return read.data;
    for (const { message, path } of read.error.issues) context.addIssue({ code: 'custom', message, path });
    return z.NEVER;
  }),
);

const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);

/** The revocation selector as stored: people and purposes by ref. All parts given must match. */
export const storedSelector = z.strictObject({
  agentClass: name.optional(),
  agentInstance: name.optional(),
  modelVersion: name.optional(),
  principalRef: ref.optional(),
  purposeRef: ref.optional(),
  /** a verb or tool name */
  tool: name.optional(),
  treeId: idOf('tree').optional(),
  /** strikes grants issued before this time; left out: before the rule itself */
  issuedBefore: time.optional(),
});
export type StoredSelector = z.infer<typeof storedSelector>;

/** Of a revocation that names a tool: denied is the tool, and the leases live on; or the leases end that could use it. */
export const revocationTarget = z.enum(['tool', 'leases']);
export type RevocationTarget = z.infer<typeof revocationTarget>;

/** One action as recorded when it was decided. */
export const decidedAction = z.strictObject({
  verb: z.string(),
  tool: z.string().optional(),
  /** the strictest of its effects */
  effect,
  /** all of them, if there are several: each was charged */
  effects: z.array(effect).min(2).max(4).optional(),
  risk,
  /** the run stated this of its own call, and no enforcement point had seen it */
  stated: z.literal('run').optional(),
  resource,
  argsDigest: digest.optional(),
  /** what is reserved (permit), or would have been */
  charge: consumed,
  labels: recordedLabels,
  agentClass: z.string(),
  posture: posture.optional(),
  parentActionId: idOf('action').optional(),
  /** the exact call an approval binds to (I8): digest of verb, resource, arguments, run */
  binding: digest,
  reasons,
  /** the thumbprint proved, or how it was vouched for: what the session dimension saw */
  proof: z.strictObject({ vouched: z.boolean(), jkt: z.string().optional() }),
  drift: z.union([z.number(), z.literal('unavailable')]).optional(),
  remaining: consumed,
});
export type DecidedAction = z.infer<typeof decidedAction>;

export const feature = z.strictObject({
  name: z.string(),
  /** its part of the score; may be negative */
  contribution: z.number(),
  /** one sentence in words */
  says: z.string().max(LIMITS.reasonLength),
});
export type Feature = z.infer<typeof feature>;

const approvalKind = z.enum(['grant', 'action', 'escalation']);
export type ApprovalKind = z.infer<typeof approvalKind>;

const settlement = {
  /** what was counted in the end; above what was reserved too (I3), and below `cost` where there are findings */
  charge: consumed,
  cost: costs,
  overrun: z.boolean().optional(),
  /** what was reported and is charged nowhere: a currency no lease names, or more than a run's own word may take */
  findings: z
    .array(
      z.strictObject({
        code: z.enum(['CURRENCY_NOT_NAMED', 'BEYOND_LEASE']),
        currency: z.string().max(80),
        amount: z.number(),
      }),
    )
    .max(LIMITS.currencies)
    .optional(),
  effects: effects.optional(),
  resultDigest: digest.optional(),
  labels: recordedLabels.optional(),
};

/** Refusals that are counted together: of which command, and why. */
export const refusedKind = z.strictObject({
  command: z.string().max(80),
  verb: z.string().max(LIMITS.nameLength).optional(),
  code: z.string().max(80),
  count: amount.min(1),
});

const endReason = z.strictObject({ code: z.string().max(80), says: z.string().max(LIMITS.reasonLength).optional() });

export const EVENT_DATA = {
  RunOpened: z.strictObject({
    agent,
    principalRef: ref,
    purposeRef: ref,
    parentRunId: idOf('run').optional(),
    startedAt: time,
  }),
  GrantIssued: z.strictObject({
    parentId: idOf('grant').optional(),
    depth: z.number().int(),
    limits,
    approvalId: idOf('approval').optional(),
    /** the person who approved, as the actor's id */
    approvedBy: z.string().optional(),
    supersedes: idOf('grant').optional(),
  }),
  /** a child could not be made: what it would have been wider in is told by the reasons */
  DelegationRefused: z.strictObject({
    agentClass: z.string(),
    code,
    detail: z.string().max(LIMITS.detailLength),
    reasons,
    /** the limits asked for, unless they are long; older events have none */
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
    /** kind `action`: all that asked for a person, as `decide/objections.ts` keys it; what its card shows and no more */
    objections: z.array(z.string().max(400)).max(LIMITS.objections).optional(),
    /** digest of what is asked, whoever asks: a person's refusal of it counts for it */
    asks: digest.optional(),
    /** the question that this one takes the place of, since more objects by now */
    replaces: idOf('approval').optional(),
  }),
  ApprovalGiven: z.strictObject({
    approvalId: idOf('approval'),
    verdict: z.enum(['approve', 'deny']),
    by: z.string(),
    usableUntil: time.optional(),
  }),
  ApprovalExpired: z.strictObject({
    approvalId: idOf('approval'),
    /** not by time: another question took its place */
    replacedBy: idOf('approval').optional(),
  }),
  ActionPermitted: decidedAction.extend({
    /** by then it begins */
    expiresAt: time,
    /** by then its outcome is reported; in an older log by `expiresAt` */
    outcomeUntil: time.optional(),
    approvalId: idOf('approval').optional(),
  }),
  ActionDenied: decidedAction.extend({ approvalId: idOf('approval').optional() }),
  ActionStepUp: decidedAction.extend({ approvalId: idOf('approval'), expiresAt: time }),
  ActionCompleted: z.strictObject(settlement),
  ActionFailed: z.strictObject(settlement),
  ActionAbandoned: z.strictObject(settlement),
  /** what became of an action that had been given up: in addition to its outcome, and charged as that was */
  OutcomeReportedLate: z.strictObject({
    status: z.enum(['completed', 'failed']),
    /** as reported; nothing of it is charged */
    cost: costs.optional(),
    effects: effects.optional(),
    resultDigest: digest.optional(),
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
  GrantSuperseded: z.strictObject({ by: idOf('grant'), approvalId: idOf('approval') }),
  GrantRevoked: z.strictObject({ revocationId: idOf('revocation'), reason: endReason, subtree: z.literal(true) }),
  GrantExpired: z.strictObject({ reason: endReason }),
  GrantExhausted: z.strictObject({ caps: z.array(z.string()), overrun: z.boolean().optional(), reason: endReason }),
  RunCompleted: z.strictObject({ reason: endReason }),
  RevocationRuleAdded: z.strictObject({
    revocationId: idOf('revocation'),
    selector: storedSelector,
    /** present where the selector names a tool, and only there */
    target: revocationTarget.optional(),
    quarantine: z.boolean(),
    reason: endReason,
  }),
  QuarantineLifted: z.strictObject({ revocationId: idOf('revocation') }),
  /** what stands beside the events about a person is to go: those before a position that `isErasedBy` names */
  PayloadsErased: z.strictObject({
    subjectRef: ref,
    before: position,
    /** runs that were opened for her until then */
    runs: position,
    /** payloads that were still there */
    payloads: position,
  }),
  /**
   * The events before this one were decided by another installation, whose log was taken over. Unless `live`, a rule
   * over everything follows at once: nothing of theirs has any authority here.
   */
  HistoryImported: z.strictObject({
    /** of the log, in its checkpoints there */
    origin: z.string().max(400),
    /** the verifier key that signed for it, as the operator has pinned it */
    vkey: z.string().max(1_000),
    /** how many events: positions 0 to size − 1 */
    size: position,
    /** of the tree of these events, base64 */
    root: z.string().max(100),
    /** its leases stay alive, on the operator's word: the tenant moves here */
    live: z.boolean(),
  }),
  /** an operator has examined a stored event that cannot be read; the tree that it names ends by this */
  EventSetAside: z.strictObject({
    /** of the unreadable event */
    position,
    /** of its stored bytes, as the operator was shown them */
    bodyDigest: digest,
    reason: endReason,
  }),
  /** a request that was refused before it reached a rule of its own: wrong role, not live, a used-up approval … */
  Refused: z.strictObject({
    command: z.string().max(80),
    code,
    detail: z.string().max(LIMITS.detailLength),
    reasons: reasons.optional(),
  }),
  /** what was refused and has no event each, since more of it came than is written one by one */
  RefusalsSummarized: z.strictObject({
    since: time,
    total: amount,
    refused: z.array(refusedKind).max(LIMITS.refusalKinds),
    /** of more kinds than are told apart */
    others: amount.optional(),
  }),
} as const;
export type EventType = keyof typeof EVENT_DATA;
export type EventData<T extends EventType> = z.infer<(typeof EVENT_DATA)[T]>;

/** The envelope: exactly what the stored body holds. */
export const envelope = z.strictObject({
  /** of the shape of this type of event; 1 where it is left out */
  v: z.number().int().min(2).optional(),
  log: logNameSchema,
  position,
  id: z.string().max(LIMITS.idLength),
  type: z.enum(Object.keys(EVENT_DATA) as [EventType, ...EventType[]]),
  time,
  tenant: tenantName,
  treeId: idOf('tree').optional(),
  runId: idOf('run').optional(),
  grantId: idOf('grant').optional(),
  actionId: idOf('action').optional(),
  actor,
  commandId: z.string().max(LIMITS.idLength),
  /** digest of what the client sent under its Idempotency-Key */
  requestDigest: digest.optional(),
  /** salted digest of the payload beside this event */
  payloadDigest: digest.optional(),
  data: z.unknown(),
});

export type Event = {
  [T in EventType]: Omit<z.infer<typeof envelope>, 'type' | 'data'> & { type: T; data: EventData<T> };
}[EventType];
export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** What stands beside an event and can be erased: `payloadDigest` is its salted digest. */
export const payload = z.strictObject({
  /** base64url, 16 random bytes */
  salt: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  value: z.record(z.string(), z.unknown()),
});
export type Payload = z.infer<typeof payload>;

const readers = new Map<unknown, { parse(raw: unknown): unknown }>();

/** Envelope and data of one type as one compiled schema, made when it is first needed: it takes milliseconds. */
function readerOf(type: EventType): { parse(raw: unknown): unknown } {
  const whole = z.strictObject({ ...envelope.shape, type: z.literal(type), data: EVENT_DATA[type] });
  const reader = z.compile(whole, { strict: true });
  readers.set(type, reader);
  return reader;
}

/**
 * Stored body → event, in the form of today whatever its version. Refuses what is not of a known shape: a log we cannot read is a log we must not act on (I11).
 * @throws ZodError, SyntaxError where it is no JSON, or an Error where its version is not known
 */
export function parseEvent(body: string): Event {
  const raw = upcast(JSON.parse(body)) as { type?: unknown } | null;
  const reader = readers.get(raw?.type) ?? readerOf(envelope.parse(raw).type);
  return reader.parse(raw) as Event;
}

/** Why a body cannot be read, by the members that are at fault: what `parseEvent` threw, in one line. */
export function whyUnreadable(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  const faults = error.issues.slice(0, 4).map(({ path, message }) => `${path.join('.') || 'the event'}: ${message}`);
  return faults.join('; ');
}
