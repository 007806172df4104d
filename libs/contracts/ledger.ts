import { z } from 'zod';
import { LIMITS } from '#kernel/limits';
import { consumed, grantStatus, runStatus } from './grant';
import { storedSelector } from './event';
import { idOf, logNameSchema, name, position, ref, tenantName, time } from './primitives';

/**
 * What the ledger answers on `bailiwick.ledger.<op>`: one request in, one `Answer` out. A request names the tenant it
 * speaks for; an id of another tenant is `NOT_FOUND` (I9). `minPosition`: answer from read models that hold the event
 * at that position, or say `NOT_READY` when they do not within `LIMITS.commandTimeoutMs` / 2.
 */
const forTenant = { tenant: tenantName };
const waits = { minPosition: position.optional() };
const paged = {
  cursor: z.string().max(400).optional(),
  limit: z.number().int().min(1).max(LIMITS.eventsPageMax).optional(),
  ...waits,
};
const eventType = z.string().regex(/^[A-Za-z]{1,64}$/, 'must be an event type such as GrantIssued');

const listOf = <S extends z.ZodType>(status: S) =>
  z.strictObject({
    ...forTenant,
    ...paged,
    status: status.optional(),
    agentClass: name.optional(),
    treeId: idOf('tree').optional(),
    runId: idOf('run').optional(),
    grantId: idOf('grant').optional(),
    principalRef: ref.optional(),
  });

export const ACTION_STATUSES = ['permitted', 'denied', 'step-up', 'completed', 'failed', 'abandoned'] as const;
export const APPROVAL_STATUSES = ['pending', 'approved', 'denied', 'expired', 'used'] as const;

const ofRun = z.strictObject({ ...forTenant, runId: idOf('run'), ...waits });
const ofLog = z.strictObject({ log: logNameSchema });

export const LEDGER_REQUESTS = {
  /** events after a position, in the order of one log; `<tenant>/0` where none is named */
  events: z.strictObject({
    ...forTenant,
    after: z.number().int().min(-1).max(Number.MAX_SAFE_INTEGER).optional(),
    limit: paged.limit,
    type: z.union([eventType, z.array(eventType).min(1).max(64)]).optional(),
    treeId: idOf('tree').optional(),
    runId: idOf('run').optional(),
    grantId: idOf('grant').optional(),
    actionId: idOf('action').optional(),
    log: logNameSchema.optional(),
    ...waits,
  }),
  runs: listOf(runStatus),
  grants: listOf(grantStatus),
  actions: listOf(z.enum(ACTION_STATUSES)),
  approvals: listOf(z.enum(APPROVAL_STATUSES)),
  receipt: ofRun,
  drift: ofRun,
  graph: ofRun,
  custody: z.strictObject({ ...forTenant, actionId: idOf('action'), ...waits }),
  /** the tree as it was after a position, or at a time */
  'tree-at': z.strictObject({ ...forTenant, treeId: idOf('tree'), at: z.string().max(40) }),
  revocation: z.strictObject({ ...forTenant, id: idOf('revocation'), ...waits }),
  vkey: ofLog,
  checkpoint: ofLog,
  proof: z.strictObject({ log: logNameSchema, position }),
  tile: z.strictObject({ log: logNameSchema, path: z.string().max(120) }),
  verify: ofLog,
} as const;
export type LedgerOp = keyof typeof LEDGER_REQUESTS;
export type LedgerRequest<O extends LedgerOp> = z.infer<(typeof LEDGER_REQUESTS)[O]>;

// ---- answers ---------------------------------------------------------------------------------------------------

/** log → position of the newest event that the answer takes into account; -1 where the log is empty */
export const asOf = z.record(z.string(), z.number().int().min(-1));
export type AsOf = z.infer<typeof asOf>;
export const listAnswer = z.object({ items: z.array(z.unknown()), next: z.string().nullable(), asOf });

export const ledgerActionView = z.object({
  id: idOf('action'),
  runId: idOf('run'),
  treeId: idOf('tree'),
  grantId: idOf('grant'),
  agentClass: z.string(),
  verb: z.string(),
  tool: z.string().optional(),
  resource: z.object({ type: z.string(), id: z.string() }),
  effect: z.string(),
  risk: z.string(),
  labels: z.array(z.string()),
  decision: z.enum(['permit', 'deny', 'step-up']),
  status: z.enum(ACTION_STATUSES),
  /** why it was not permitted, in words */
  reasons: z.array(z.string()),
  approvalId: idOf('approval').optional(),
  /** counted so far: as reserved while open, as settled then */
  charge: consumed,
  decidedAt: time,
  position,
  settledAt: time.optional(),
  settledPosition: position.optional(),
});
export type LedgerActionView = z.infer<typeof ledgerActionView>;

export const ledgerApprovalView = z.object({
  id: idOf('approval'),
  kind: z.enum(['grant', 'action', 'escalation']),
  status: z.enum(APPROVAL_STATUSES),
  runId: idOf('run'),
  treeId: idOf('tree'),
  grantId: idOf('grant').optional(),
  actionId: idOf('action').optional(),
  risk: z.string(),
  requestedAt: time,
  expiresAt: time,
  decidedBy: z.string().optional(),
  decidedAt: time.optional(),
  position,
});
export type LedgerApprovalView = z.infer<typeof ledgerApprovalView>;

/** What a revocation stopped at one grant, derived after it. */
export const consequenceView = z.object({
  log: logNameSchema,
  grantId: idOf('grant'),
  runId: idOf('run'),
  agentClass: z.string(),
  /** permitted and not settled when the revocation was committed */
  inFlight: z.array(idOf('action')),
  pendingApprovals: z.array(idOf('approval')),
  /** reserved by the actions in flight, minor units per currency */
  reservedCost: z.record(z.string(), z.number()),
});
export type ConsequenceView = z.infer<typeof consequenceView>;
export const revocationView = z.object({
  revocationId: idOf('revocation'),
  /** a selector, or the grant whose subtree was revoked */
  selector: storedSelector.optional(),
  grantId: idOf('grant').optional(),
  quarantine: z.boolean(),
  reason: z.string(),
  /** log → position of its event */
  positions: z.record(z.string(), position),
  counts: z.object({
    grants: z.number(),
    runs: z.number(),
    inFlight: z.number(),
    pendingApprovals: z.number(),
    reservedCost: z.record(z.string(), z.number()),
  }),
  consequences: z.array(consequenceView),
});
export type RevocationView = z.infer<typeof revocationView>;

export const verifyAnswer = z.object({
  /** events folded; the newest is one less */
  position,
  /** of the tree over them, base64 */
  root: z.string(),
  /** digest of their fold: equal to the owner's `stateDigest` at the same position (I10) */
  state: z.string(),
  checkpoints: z.number().int(),
  rows: z.number().int(),
  /** empty: everything the ledger keeps follows from the events */
  findings: z.array(z.string()),
});
export type VerifyAnswer = z.infer<typeof verifyAnswer>;
