import { z } from 'zod';
import { approvalScope } from '../approvals/approval-scope';
import { budgetName } from '../budgets/tenant-budget';
import { revocationTarget } from '../events/event';
import { storedSelector } from '../revocations/stored-selector';
import { policyVersion } from '../policy/deployment';
import { LIMITS } from '@bailiwick/core/limits';
import { exportHeader, exportLine } from '../transfer/export';
import { grantView, jkt, runView } from '../grants/grant';
import { digest, idOf, logNameSchema, name, position, ref, time } from '../primitives';
import { risk } from '../grants/grant';
import { leasesQuery, principalsQuery, subjectTypesQuery, verbsQuery } from './candidates';

/** The use of a DPoP proof that a gateway has verified. */
const proofUse = z.strictObject({
  thumbprint: jkt,
  id: z.string().min(1).max(100),
  /** ms */
  issuedAt: z.number(),
  /** the epoch that the nonce of the proof names; left out: it has none */
  epoch: z.string().max(100).optional(),
  /** an assertion of a client, which can have no nonce */
  once: z.literal(true).optional(),
});

/** Answer to `proof`. `used`: before; `full`: the share of the key or tenant; `nonce`: it needs one of this epoch. */
export const proofView = z.object({ verdict: z.enum(['taken', 'used', 'full', 'nonce']), epoch: z.string() });
export type ProofView = z.infer<typeof proofView>;

/**
 * Queries about the live state, answered by the log's owner on `bailiwick.query.<tenant>.<n>` (one `Query` in, one
 * `Answer` out). They change nothing and are never written; `proof`
 * alone has an effect on later ones.
 */
export const query = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('run'), log: logNameSchema, id: idOf('run') }),
  z.strictObject({ op: z.literal('grant'), log: logNameSchema, id: idOf('grant') }),
  z.strictObject({ op: z.literal('tree'), log: logNameSchema, id: idOf('tree') }),
  /** where a run or a grant is, seen from a run: itself, in its branch, or elsewhere */
  z.strictObject({
    op: z.literal('branch'),
    log: logNameSchema,
    runId: idOf('run'),
    of: z.union([idOf('run'), idOf('grant')]),
  }),
  /** what a run may do, what is left, and what it could ask for */
  z.strictObject({ op: z.literal('permissions'), log: logNameSchema, runId: idOf('run') }),
  z.strictObject({ op: z.literal('action'), log: logNameSchema, id: idOf('action') }),
  z.strictObject({ op: z.literal('approval'), log: logNameSchema, id: idOf('approval') }),
  z.strictObject({
    op: z.literal('approvals'),
    log: logNameSchema,
    /** approved: those that cover more than one call, as long as they do */
    status: z.enum(['pending', 'approved']),
    /** only those that this actor approved, alone or as one of several */
    answeredBy: name.optional(),
    limit: z.number().int().min(1).max(LIMITS.pendingPageMax).optional(),
    /** end of the previous page */
    after: z.strictObject({ turn: z.number().int().min(1), position }).optional(),
  }),
  leasesQuery,
  principalsQuery,
  subjectTypesQuery,
  verbsQuery,
  /** previews the next decision without charging or writing anything: `command` is an `authorize` command */
  z.strictObject({ op: z.literal('dryRun'), log: logNameSchema, command: z.unknown() }),
  z.strictObject({
    op: z.literal('preview'),
    log: logNameSchema,
    selector: storedSelector,
    target: revocationTarget.optional(),
    quarantine: z.boolean().optional(),
  }),
  /** whether a revocation would reach anything: no execution refers to the answer */
  z.strictObject({ op: z.literal('reaches'), log: logNameSchema, selector: storedSelector }),
  /** the tenant budgets with their usage; `name`: only this one */
  z.strictObject({ op: z.literal('tenantBudgets'), log: logNameSchema, name: budgetName.optional() }),
  /** the newest deployments of policies, newest first; `before`: versions below this one */
  z.strictObject({
    op: z.literal('policies'),
    log: logNameSchema,
    limit: z.number().int().min(1).max(LIMITS.policy.versionsKept).optional(),
    before: policyVersion.optional(),
  }),
  /** a policy with its bundle; without `version` the one in force */
  z.strictObject({ op: z.literal('policy'), log: logNameSchema, version: policyVersion.optional() }),
  /** the stored events that cannot be read, and what each of them blocks */
  z.strictObject({ op: z.literal('unreadable'), log: logNameSchema }),
  /** the payloads that an erasure would erase now */
  z.strictObject({ op: z.literal('erasure'), log: logNameSchema, subjectRef: ref }),
  /** a step of an import into this log's tenant; its data is staged outside the log until the import is complete */
  z.strictObject({
    op: z.literal('import'),
    log: logNameSchema,
    step: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('begin'),
        header: exportHeader,
        /** its leases stay valid: the tenant moves to this installation */
        live: z.boolean().optional(),
      }),
      z.strictObject({ kind: z.literal('events'), events: z.array(exportLine).max(LIMITS.importEventsAtOnce) }),
      z.strictObject({ kind: z.literal('complete') }),
      z.strictObject({ kind: z.literal('look') }),
    ]),
  }),
  /**
   * accepts a DPoP proof once for all gateways of a tenant, and remembers it in memory only. Without `use`: the epoch of
   * that memory, which nonces name
   */
  z.strictObject({ op: z.literal('proof'), log: logNameSchema, use: proofUse.optional() }),
  /** digest of the whole folded state, with its position */
  z.strictObject({ op: z.literal('stateDigest'), log: logNameSchema }),
  z.strictObject({ op: z.literal('head'), log: logNameSchema }),
  /** which leases of calls in flight are no longer live, and which of the calls are denied by now, as of one position */
  z.strictObject({
    op: z.literal('live'),
    log: logNameSchema,
    grantIds: z.array(idOf('grant')).max(LIMITS.liveAtOnce),
  }),
]);
export type Query = z.infer<typeof query>;

/** Answer to `live`. A lease that the state does not contain has ended long ago. */
export const liveView = z.object({
  /** of the newest event that the answer takes into account; -1: the log is empty */
  position: z.number().int().min(-1),
  ended: z.array(z.object({ grantId: idOf('grant'), revocationId: idOf('revocation').optional() })),
  /** calls that were permitted before the revocation of their tool or verb, under leases that live on */
  denied: z.array(z.object({ grantId: idOf('grant'), actionId: idOf('action'), revocationId: idOf('revocation') })),
});
export type LiveView = z.infer<typeof liveView>;

/** Answer to `branch`: how far below the run it is; 0 is the run itself, null elsewhere or unknown. */
export const branchView = z.object({ below: z.number().int().min(0).nullable() });
export type BranchView = z.infer<typeof branchView>;

/** Answer to `unreadable`: events that no operator has set aside yet. */
export const unreadableView = z.object({
  log: logNameSchema,
  /** `tree`: no decision is made about a tree; `log`: no decision but revocations is made about the whole log */
  items: z.array(
    z.object({
      position,
      holdsUp: z.enum(['tree', 'log']),
      treeId: idOf('tree').optional(),
      bodyDigest: digest,
      why: z.string(),
      /** the stored bytes as text, truncated if they are long */
      body: z.string(),
    }),
  ),
});
export type UnreadableView = z.infer<typeof unreadableView>;

const bareView = z.object({ id: z.string(), status: z.string() });

/** Answer to `tree`: the whole tree, parents before children. */
export const treeView = z.object({
  id: idOf('tree'),
  log: logNameSchema,
  position,
  runs: z.array(runView),
  grants: z.array(grantView),
  /** labels that the tree's actions have carried so far */
  labels: z.array(z.string()),
  /** for a run's own token, which reads only its branch: the ancestors, nearest first */
  above: z.object({ runs: z.array(bareView), grants: z.array(bareView) }).optional(),
});
export type TreeView = z.infer<typeof treeView>;

/**
 * `revoked`: a revocation reached it while it was pending, and it can no longer be approved; or it covered more than one
 * call, and a person withdrew it.
 */
export const approvalStatus = z.enum(['pending', 'approved', 'denied', 'expired', 'used', 'revoked']);
export type ApprovalStatus = z.infer<typeof approvalStatus>;

export const approvalView = z.object({
  id: idOf('approval'),
  kind: z.enum(['grant', 'action', 'escalation']),
  status: approvalStatus,
  runId: idOf('run'),
  treeId: idOf('tree'),
  /** for the first lease of a child: the run that would have it */
  parentRunId: idOf('run').optional(),
  grantId: idOf('grant').optional(),
  actionId: idOf('action').optional(),
  /** the class of the agent that asks */
  agentClass: z.string().optional(),
  risk,
  irreversible: z.boolean(),
  /** the request in one sentence */
  asks: z.string(),
  purpose: z.string().nullable(),
  requestedBy: z.string().nullable(),
  /** the actor that stated `requestedBy`: the one that opened the root run */
  requestedByStatedBy: z.string().optional(),
  /** sentences: what the run may, and may not, do if approved */
  may: z.array(z.string()),
  mayNot: z.array(z.string()),
  /** the exact call, for kind action */
  action: z
    .object({
      verb: z.string(),
      tool: z.string().optional(),
      resource: z.object({
        type: z.string(),
        id: z.string(),
        attributes: z.record(z.string(), z.unknown()).optional(),
      }),
      argsDigest: digest.optional(),
      args: z.unknown().optional(),
      /** how much of the arguments is masked or truncated; left out if everything is shown, or if it is unknown */
      hidden: z.object({ values: z.number(), of: z.number(), characters: z.number() }).optional(),
      cost: z.record(z.string(), z.number()),
      units: z.record(z.string(), z.number()).optional(),
      reasons: z.array(z.string()),
      /** the codes of the objections that it shows, each once */
      codes: z.array(z.string()).optional(),
      /** all objections that the approval covers; `isNew`: the earlier request did not show it */
      objections: z.array(z.object({ says: z.string(), isNew: z.boolean() })).optional(),
    })
    .optional(),
  /** earlier refusals by a person in this task: of the same call, or of one with the same verb or resource */
  refusedBefore: z
    .array(
      z.object({
        approvalId: idOf('approval'),
        what: z.string(),
        at: time,
        by: z.string(),
        note: z.string().nullable(),
      }),
    )
    .optional(),
  budget: z.string(),
  /** earlier actions of this run that were denied or stepped up, as text, newest first */
  tried: z.array(z.string()),
  /** the reason of the request, for kind escalation */
  reason: z.string().nullable().optional(),
  requestedAt: time,
  expiresAt: time,
  /** pending: the different people that have approved, and those that the policy in force requires */
  given: z.number().optional(),
  needed: z.number().optional(),
  /** pending: who may approve by the policy in force, as text; left out if it has no rules about approvals */
  approvers: z.string().optional(),
  /** the answers of all people, in order; left out if one person decided alone */
  answers: z.array(z.object({ by: z.string(), verdict: z.enum(['approve', 'deny']), at: time })).optional(),
  /** what the approval covers, if it is more than the call, once */
  scope: approvalScope.optional(),
  breakGlass: z.literal(true).optional(),
  /** pending calls of the same run with the same verb and kind of resource, this one included, and their costs */
  alike: z.object({ count: z.number(), cost: z.record(z.string(), z.number()) }).optional(),
  decidedBy: z.string().optional(),
  decidedAt: time.optional(),
  note: z.string().nullable().optional(),
  position,
});
export type ApprovalView = z.infer<typeof approvalView>;

const previewCounts = z.object({
  /** leases that end or, if a tool is denied, could use it */
  grants: z.number(),
  runs: z.number(),
  trees: z.number(),
  agents: z.number(),
  /** permits without an outcome, of these leases or of that tool */
  inFlight: z.number(),
  /** pending approvals that can no longer be given */
  pendingApprovals: z.number(),
  /** of these: runs that wait for their first lease */
  pendingRuns: z.number(),
  reservedCost: z.record(z.string(), z.number()),
  reservedUnits: z.record(z.string(), z.number()),
});
export type PreviewCounts = z.infer<typeof previewCounts>;

export const previewView = z.object({
  digest: z.string(),
  /** for the requested target */
  counts: previewCounts,
  /** if the selector names a tool: the requested target, and the counts for each target */
  target: revocationTarget.optional(),
  targets: z.object({ tool: previewCounts, leases: previewCounts }).optional(),
  /** number of runs whose class or principal is not listed */
  unlisted: z.object({ classes: z.number(), principals: z.number() }).optional(),
  byClass: z.record(z.string(), z.number()),
  /** by the principal's ref */
  byPrincipal: z.record(z.string(), z.number()),
  byState: z.object({ active: z.number(), suspended: z.number() }),
  /** at index n: leases n levels below their root */
  byDepth: z.array(z.number()),
  /** by the risk that the lease may take at most */
  byRisk: z.record(risk, z.number()),
  /** the trees with most of these leases */
  largestTrees: z.array(z.object({ treeId: z.string(), grants: z.number() })),
  /** the leases whose end interrupts most: by risk, then calls in flight, children, and calls made */
  mostConsequential: z.array(
    z.object({
      grantId: z.string(),
      runId: z.string(),
      treeId: z.string(),
      agentClass: z.string(),
      depth: z.number(),
      risk,
      inFlight: z.number(),
      children: z.number(),
      calls: z.number(),
    }),
  ),
  /** classes in another spelling than the selector has: their leases that it selects, and those that it does not */
  near: z.array(z.object({ agentClass: z.string(), selected: z.number(), spared: z.number() })).optional(),
  sample: z.array(z.object({ grantId: z.string(), runId: z.string(), agentClass: z.string() })),
  /** the position at which it was counted */
  asOf: position,
});
export type PreviewView = z.infer<typeof previewView>;

/** The payloads that an erasure would erase, and the runs that continue. */
export const erasurePreviewView = z.object({
  subjectRef: ref,
  /** events at or after this position are not reached */
  before: position,
  runs: z.number(),
  /** runs that are still live: payloads that they write afterwards are not erased */
  liveRuns: z.number(),
  trees: z.number(),
  payloads: z.number(),
  /** number of payloads by the type of their event */
  byType: z.record(z.string(), z.number()),
  /** reasons of earlier erasures that still exist: erased with the rest, or alone by `earlierReasons` */
  earlierReasons: z.number(),
  /** the name of the person is recorded, and would be erased */
  name: z.boolean(),
});
/** As the gateway answers. */
export const erasurePreviewAnswer = erasurePreviewView.extend({
  /** the live keys that name the person: an erasure is refused until they are revoked */
  keys: z.array(z.string()),
});
export type ErasurePreviewAnswer = z.infer<typeof erasurePreviewAnswer>;
export type ErasurePreview = z.infer<typeof erasurePreviewView>;
