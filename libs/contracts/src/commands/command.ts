import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import {
  attribute,
  calledTool,
  labels,
  onBehalfOf,
  outcomeRequest,
  resource,
  resultDigests,
  valueDigests,
} from '../actions/action';
import { argumentMarks, resultMarks } from '../actions/value-marks';
import { approvalScope } from '../approvals/approval-scope';
import { missingCall } from '../approvals/asked-bundle';
import { budgetName, storedBudgetSelector, tenantCaps } from '../budgets/tenant-budget';
import { actor, feature, payload, refusedKind, revocationTarget } from '../events/event';
import { regrantBound } from '../revocations/regrants';
import { incidentId, storedSelector } from '../revocations/stored-selector';
import { agent, grantRequest, posture } from '../grants/grant';
import { keyChange } from '../keys/key-change';
import { mcpApproval } from '../mcp/mcp-pin';
import { mcpServerChange } from '../mcp/mcp-server-change';
import { sessionChange } from '../sessions/session-change';
import { signalRecord } from '../signals/signal-record';
import { webhookChange } from '../webhooks/webhook-change';
import { understands } from '../obligations/obligation';
import { policyVersion } from '../policy/deployment';
import { ruleName } from '../policy/rule';
import { amount, costs, digest, freeText, idOf, logNameSchema, position, ref, time, units } from '../primitives';

/** The actor of the commands of the boundary, which no key has. */
export const BOUNDARY = { kind: 'service', id: 'boundary' } as const;
/** Reports whether an actor is the boundary, whose requests only its user of the bus can send. */
export const isBoundary = ({ kind, id }: { readonly kind: string; readonly id: string }): boolean =>
  kind === BOUNDARY.kind && id === BOUNDARY.id;

/**
 * Commands to the owner of a log: the message on `bailiwick.command.<tenant>.<n>` is `{ commands: Command[] }`, the
 * reply `{ answers: Answer[] }` in the same order. Personal data travels only in `payload`.
 */
const base = {
  log: logNameSchema,
  /** `idk_…` derived from the client's Idempotency-Key, or `cmd_…` for one attempt of the gateway */
  commandId: z.string().regex(/^(idk|cmd|sys)_[0-9A-Za-z_-]{8,70}$/),
  /** digest of the request body; sent with an `idk_` command */
  requestDigest: digest.optional(),
  actor,
  payload: payload.optional(),
  /** ms since the epoch; after it the sender no longer waits and the command is refused. Not part of any event */
  deadline: z.number().int().nonnegative().optional(),
};
const command = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.strictObject({ ...base, type: z.literal(type), ...shape });

const reasonCode = z.string().max(80);

export const openRun = command('openRun', {
  agent,
  principalRef: ref,
  purposeRef: ref,
  grant: grantRequest,
  /** asks a person regardless of the tenant's rule */
  requireApproval: z.boolean().optional(),
  /** grants what was left of an ended lease again: always asks a person, and gives no more than the bound */
  regrants: regrantBound.optional(),
});
export const delegate = command('delegate', { grantId: idOf('grant'), agent, purposeRef: ref, grant: grantRequest });
/** What the arguments of a call state by its entry of the catalog. The arguments themselves stay in the gateway. */
export const derived = z.strictObject({
  /** the version of the policy whose entry it was; the owner refuses another than the one in force */
  policy: policyVersion,
  /** why the arguments do not state it */
  fault: freeText(LIMITS.reasonLength).optional(),
  resource: resource.omit({ attributes: true }).optional(),
  attributes: z.record(z.string(), attribute).optional(),
  cost: costs.optional(),
  units: units.optional(),
});
export type DerivedCall = z.infer<typeof derived>;
export const authorize = command('authorize', {
  grantId: idOf('grant'),
  action: calledTool,
  resource,
  cost: costs.optional(),
  units: units.optional(),
  posture: posture.optional(),
  approvalId: idOf('approval').optional(),
  labels: labels.optional(),
  parentActionId: idOf('action').optional(),
  /** the permit of a call in flight that is decided again before it continues; only the boundary states it */
  replaces: idOf('action').optional(),
  onBehalfOf: onBehalfOf.optional(),
  understands: understands.optional(),
  /** digests of the values of the arguments; replaced by their marks before the command enters the mailbox */
  values: valueDigests.optional(),
  marks: argumentMarks.optional(),
  derived: derived.optional(),
  proof: z.union([
    z.strictObject({ vouched: z.literal(true) }),
    z.strictObject({ vouched: z.literal(false), jkt: z.string().optional() }),
  ]),
  /** fetched from the intent monitor before the command entered the mailbox, if the risk requires it */
  drift: z
    .union([
      z.strictObject({ score: z.number().min(0).max(1), features: z.array(feature).max(32) }),
      z.literal('unavailable'),
    ])
    .optional(),
});
export const settle = command('settle', {
  actionId: idOf('action'),
  outcome: outcomeRequest.omit({ preview: true, values: true }),
  /** of the values of the result, as those of arguments */
  values: resultDigests.optional(),
  marks: resultMarks.optional(),
});
export const completeRun = command('completeRun', { runId: idOf('run') });
/** Exactly one of `want`, `ask` and `missing`. */
export const escalate = command('escalate', {
  runId: idOf('run'),
  want: grantRequest.optional(),
  /** the name of a bundle of the manifest */
  ask: ruleName.optional(),
  missing: missingCall.optional(),
});
export const decideApproval = command('decideApproval', {
  approvalId: idOf('approval'),
  verdict: z.enum(['approve', 'deny']),
  /** approves with less than was asked for; members left out are as asked for */
  grant: grantRequest.optional(),
  /** what the approval of a call covers; left out: the call, once */
  scope: approvalScope.optional(),
  /** approves alone, in place of the people that the policy requires; the payload must have a `note` */
  breakGlass: z.literal(true).optional(),
  /** the ref of the actor as a person, to compare with the principal of the run */
  actorRef: ref.optional(),
});
/** records the submission of a request for access; the payload has its reason, in the words of the agent */
export const requestAccess = command('requestAccess', { approvalId: idOf('approval') });
/** ends a request about a call while it waits for people */
export const withdrawRequest = command('withdrawRequest', { approvalId: idOf('approval') });
export const suspend = command('suspend', { grantId: idOf('grant'), reasonCode });
export const resume = command('resume', { grantId: idOf('grant'), reasonCode });
export const renew = command('renew', { grantId: idOf('grant') });
export const narrow = command('narrow', { grantId: idOf('grant'), grant: grantRequest });
export const revokeGrant = command('revokeGrant', { grantId: idOf('grant') });
export const revokeSelector = command('revokeSelector', {
  /** the same for every log of the tenant */
  revocationId: idOf('revocation'),
  selector: storedSelector,
  /** only with a selector that names a tool; default: `tool` */
  target: revocationTarget.optional(),
  /** digest of the preview that the operator has seen, and the position at which it was made */
  previewed: z.strictObject({ digest: z.string().max(120), asOf: position }).optional(),
  force: z.boolean().optional(),
  quarantine: z.boolean().optional(),
  /** suspends what it would revoke, until it is lifted or `until` */
  mode: z.literal('suspend').optional(),
  until: time.optional(),
  incident: incidentId.optional(),
});
/** sets a tenant budget, or changes the one of this name; `payload` holds the name of its principal */
export const setTenantBudget = command('setTenantBudget', {
  name: budgetName,
  selector: storedBudgetSelector,
  budget: tenantCaps,
});
export const removeTenantBudget = command('removeTenantBudget', { name: budgetName });
/** deploys a policy bundle for the runs of this log, from the next decision on */
export const deployPolicy = command('deployPolicy', {
  /** the version in force, 0 for that of the release: no deployment overwrites one that its sender has not seen */
  replaces: policyVersion,
  /** of the text */
  digest,
  /** the canonical JSON of the bundle (RFC 8785) */
  bundle: z.string().min(2).max(LIMITS.policy.bytes),
  /** the bundle is a candidate until this time, and does not decide */
  shadowUntil: time.optional(),
});
/** records that the gateway has changed an API key; the keys are not part of the log */
export const recordKey = command('recordKey', keyChange.shape);
/** records that an administrator approved what an MCP server offers; what it offers is not part of the log */
export const recordMcpApproval = command('recordMcpApproval', mcpApproval.shape);
/** records that an administrator registered or removed an MCP server; its settings are not part of the log */
export const recordMcpServer = command('recordMcpServer', mcpServerChange.shape);
/** records that an administrator changed a webhook; its address and secret are not part of the log */
export const recordWebhook = command('recordWebhook', webhookChange.shape);
/** records that the gateway has started or ended a session of a browser; sessions are not part of the log */
export const recordSession = command('recordSession', sessionChange.shape);
/** records a security event of a configured transmitter that stopped nothing */
export const recordSignal = command('recordSignal', signalRecord.shape);
export const liftQuarantine = command('liftQuarantine', { revocationId: idOf('revocation') });
/** ends a revocation of mode `suspend` */
export const liftSuspension = command('liftSuspension', { revocationId: idOf('revocation') });
/** erases the payloads about a person; the owner first appends the event that records it, then erases them */
export const erase = command('erase', {
  subjectRef: ref,
  /** counted in the log by the delegation service before the command enters the mailbox */
  found: z
    .strictObject({ before: position, runs: position, payloads: position, name: z.literal(true).optional() })
    .optional(),
  /** erases even if only the reasons of earlier erasures are left; such a command has no reason, or it would not end */
  earlierReasons: z.literal(true).optional(),
});
/** an operator has examined an unreadable event and identifies it by its digest; no other event is set aside */
export const setAsideEvent = command('setAsideEvent', { position, bodyDigest: digest });
export const recordDrift = command('recordDrift', {
  runId: idOf('run'),
  actionId: idOf('action').optional(),
  score: z.number().min(0).max(1),
  features: z.array(feature).max(32),
  monitor: z.string().max(80),
});
/** records a 403 response by the gateway itself (wrong role) */
export const recordRefusal = command('recordRefusal', {
  command: z.string().max(80),
  detail: freeText(1_000),
  /** number of similar refusals that the gateway counted without reporting each of them */
  count: amount.min(1).optional(),
});
/** internal to the owner: ends what has reached its deadline */
export const tick = command('tick', {});
/** internal to the owner: counts refusals that were not written because their budget was used up */
export const summarizeRefusals = command('summarizeRefusals', {
  since: time,
  runId: idOf('run').optional(),
  refused: z.array(refusedKind).max(LIMITS.refusalKinds),
  others: amount.optional(),
});
/** Commands that only an owner creates; no message may contain them. */
export const OWN_COMMANDS: readonly unknown[] = ['tick', 'summarizeRefusals'];

export const COMMANDS = [
  openRun,
  delegate,
  authorize,
  settle,
  completeRun,
  escalate,
  decideApproval,
  requestAccess,
  withdrawRequest,
  suspend,
  resume,
  renew,
  narrow,
  revokeGrant,
  revokeSelector,
  liftQuarantine,
  liftSuspension,
  setTenantBudget,
  removeTenantBudget,
  deployPolicy,
  recordKey,
  recordMcpApproval,
  recordMcpServer,
  recordWebhook,
  recordSession,
  recordSignal,
  erase,
  setAsideEvent,
  recordDrift,
  recordRefusal,
  tick,
  summarizeRefusals,
] as const;
export const commandSchema = z.discriminatedUnion('type', COMMANDS);
export type Command = z.infer<typeof commandSchema>;

interface Reader {
  safeParse(raw: unknown): z.ZodSafeParseResult<unknown>;
}
const schemas = new Map<unknown, (typeof COMMANDS)[number]>(
  COMMANDS.map((schema) => [schema.shape.type.value, schema]),
);
const readers = new Map<unknown, Reader>();

/** Parses like `commandSchema.safeParse`, in a third of the time. Compiles a schema when it first reads its type. */
export function readCommand(raw: unknown): z.ZodSafeParseResult<Command> {
  const type = (raw as { type?: unknown } | null)?.type;
  const reader = readers.get(type) ?? compiled(type);
  return (reader ?? commandSchema).safeParse(raw) as z.ZodSafeParseResult<Command>;
}

function compiled(type: unknown): Reader | undefined {
  const schema = schemas.get(type);
  if (!schema) return undefined;
  const reader = z.compile(schema, { strict: true });
  readers.set(type, reader);
  return reader;
}

export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;

export const commandMessage = z
  .strictObject({
    commands: z.array(z.unknown()).min(1).max(LIMITS.commandsPerMessage),
    /**
     * The number of consecutive commands that belong to each request. Commands of one request are decided in order, and
     * none of them waits for the preparation of another request. Default: all belong to one request.
     */
    requests: z.array(z.number().int().min(1)).optional(),
  })
  .refine(({ commands, requests }) => !requests || requests.reduce((a, b) => a + b, 0) === commands.length, {
    error: 'requests must add up to the number of commands',
  });

/** The deadline of a request that changes something without being a command, as in a command's `deadline`. */
export const DEADLINE_HEADER = 'Bailiwick-Deadline';

/**
 * The reply: the answers in the order of the commands, or some of them, with their indexes in `of`. Answers that are
 * ready are sent at once in partial replies; the last message contains the rest.
 */
export interface CommandReply {
  readonly answers: readonly Answer[];
  readonly of?: readonly number[];
}

/** Answer to one command, from which the edge makes an HTTP response. */
export type Answer =
  | { ok: true; value: unknown }
  | { ok: false; refusal: { code: string; detail: string; reasons?: unknown[]; extra?: Record<string, unknown> } };
