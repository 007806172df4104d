import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { calledTool, labels, outcomeRequest, resource } from './action';
import { actor, feature, payload, refusedKind, revocationTarget, storedSelector } from './event';
import { agent, grantRequest, posture } from './grant';
import { amount, costs, digest, freeText, idOf, logNameSchema, position, ref, time } from './primitives';

/**
 * What the log's owner is asked to do: the message on `bailiwick.command.<tenant>.<n>` is `{ commands: Command[] }`,
 * the reply `{ answers: Answer[] }` in the same order. Personal data travels only in `payload`.
 */
const base = {
  log: logNameSchema,
  /** `idk_…` made from the client's Idempotency-Key, or `cmd_…` for one try of our own */
  commandId: z.string().regex(/^(idk|cmd|sys)_[0-9A-Za-z_-]{8,70}$/),
  /** of the request body; with an `idk_` command */
  requestDigest: digest.optional(),
  actor,
  payload: payload.optional(),
  /** ms since the epoch; after it the command is refused. Its sender waits no longer. In no event */
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
  /** ask a person whatever the tenant's rule says */
  requireApproval: z.boolean().optional(),
});
export const delegate = command('delegate', { grantId: idOf('grant'), agent, purposeRef: ref, grant: grantRequest });
export const authorize = command('authorize', {
  grantId: idOf('grant'),
  action: calledTool,
  resource,
  cost: costs.optional(),
  posture: posture.optional(),
  approvalId: idOf('approval').optional(),
  labels: labels.optional(),
  parentActionId: idOf('action').optional(),
  proof: z.union([
    z.strictObject({ vouched: z.literal(true) }),
    z.strictObject({ vouched: z.literal(false), jkt: z.string().optional() }),
  ]),
  /** fetched from the intent monitor before the command entered the mailbox, where the risk asks for it */
  drift: z
    .union([
      z.strictObject({ score: z.number().min(0).max(1), features: z.array(feature).max(32) }),
      z.literal('unavailable'),
    ])
    .optional(),
});
export const settle = command('settle', {
  actionId: idOf('action'),
  outcome: outcomeRequest.omit({ preview: true }),
});
export const completeRun = command('completeRun', { runId: idOf('run') });
export const escalate = command('escalate', { runId: idOf('run'), want: grantRequest });
export const decideApproval = command('decideApproval', {
  approvalId: idOf('approval'),
  verdict: z.enum(['approve', 'deny']),
});
export const suspend = command('suspend', { grantId: idOf('grant'), reasonCode });
export const resume = command('resume', { grantId: idOf('grant'), reasonCode });
export const revokeGrant = command('revokeGrant', { grantId: idOf('grant') });
export const revokeSelector = command('revokeSelector', {
  /** the same for every log of the tenant */
  revocationId: idOf('revocation'),
  selector: storedSelector,
  /** where the selector names a tool, and only there; left out: `tool` */
  target: revocationTarget.optional(),
  /** of the preview the operator has seen; the position it was made at */
  previewed: z.strictObject({ digest: z.string().max(120), asOf: position }).optional(),
  force: z.boolean().optional(),
  quarantine: z.boolean().optional(),
});
export const liftQuarantine = command('liftQuarantine', { revocationId: idOf('revocation') });
/** what stands beside the events about a person goes; the owner appends that it does, and it is done after that */
export const erase = command('erase', {
  subjectRef: ref,
  /** counted in the log by the delegation service before the command enters the mailbox */
  found: z.strictObject({ before: position, runs: position, payloads: position }).optional(),
  /** also where only the reasons of earlier erasures are left; it has no reason of its own, or there would be no end */
  earlierReasons: z.literal(true).optional(),
});
/** an operator has examined an unreadable event, and names it by what it is: nothing else is set aside by it */
export const setAsideEvent = command('setAsideEvent', { position, bodyDigest: digest });
export const recordDrift = command('recordDrift', {
  runId: idOf('run'),
  actionId: idOf('action').optional(),
  score: z.number().min(0).max(1),
  features: z.array(feature).max(32),
  monitor: z.string().max(80),
});
/** the gateway's record of a 403 it gave itself (wrong role) */
export const recordRefusal = command('recordRefusal', {
  command: z.string().max(80),
  detail: freeText(1_000),
  /** so many like it, which the gateway counted and did not report one by one */
  count: amount.min(1).optional(),
});
/** the owner's own: ends what time has ended */
export const tick = command('tick', {});
/** the owner's own: what it refused and did not write, since its budget was used up */
export const summarizeRefusals = command('summarizeRefusals', {
  since: time,
  runId: idOf('run').optional(),
  refused: z.array(refusedKind).max(LIMITS.refusalKinds),
  others: amount.optional(),
});
/** No message may carry these: an owner makes them itself. */
export const OWN_COMMANDS: readonly unknown[] = ['tick', 'summarizeRefusals'];

export const COMMANDS = [
  openRun,
  delegate,
  authorize,
  settle,
  completeRun,
  escalate,
  decideApproval,
  suspend,
  resume,
  revokeGrant,
  revokeSelector,
  liftQuarantine,
  erase,
  setAsideEvent,
  recordDrift,
  recordRefusal,
  tick,
  summarizeRefusals,
] as const;
export const commandSchema = z.discriminatedUnion('type', COMMANDS);
export type Command = z.infer<typeof commandSchema>;

const readers = new Map<unknown, { safeParse(raw: unknown): z.ZodSafeParseResult<unknown> }>(
  COMMANDS.map((schema) => [schema.shape.type.value, z.compile(schema, { strict: true })]),
);

/** As `commandSchema.safeParse`, in a third of its time. */
export function readCommand(raw: unknown): z.ZodSafeParseResult<Command> {
  const reader = readers.get((raw as { type?: unknown } | null)?.type);
  return (reader ?? commandSchema).safeParse(raw) as z.ZodSafeParseResult<Command>;
}
export type CommandType = Command['type'];
export type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;

export const commandMessage = z
  .strictObject({
    commands: z.array(z.unknown()).min(1).max(LIMITS.commandsPerMessage),
    /**
     * How many of the commands, one after the other, belong to each request: those of one are decided in their order, and
     * none waits for what another request has to be prepared with. Left out, all are of one request.
     */
    requests: z.array(z.number().int().min(1)).optional(),
  })
  .refine(({ commands, requests }) => !requests || requests.reduce((a, b) => a + b, 0) === commands.length, {
    error: 'requests must add up to the number of commands',
  });

/** Of a request that is no command and changes something: until when, as a command's `deadline`. */
export const DEADLINE_HEADER = 'Bailiwick-Deadline';

/**
 * The reply: the answers in the order of the commands; or only some of them, `of` naming which. Those that are ready are
 * sent at once as parts, and the last message holds the rest.
 */
export interface CommandReply {
  readonly answers: readonly Answer[];
  readonly of?: readonly number[];
}

/** Answer of one command: what the edge turns into an HTTP answer. */
export type Answer =
  | { ok: true; value: unknown }
  | { ok: false; refusal: { code: string; detail: string; reasons?: unknown[]; extra?: Record<string, unknown> } };
