import { z } from 'zod';
import { approvalScope } from '../approvals/approval-scope';
import { consumed, grantStatus, limits } from '../grants/grant';
import { idOf, position, time } from '../primitives';
import { policyVersion } from '../policy/deployment';

/** How a request is sent: a path of the API, with the members of its body. */
const how = z.object({ method: z.enum(['POST']), path: z.string(), body: z.array(z.string()) });

/** What a run may do, what it has left, and what it could ask for, as `GET /v1/permissions/self` returns it. */
export const permissionsView = z.object({
  runId: idOf('run'),
  treeId: idOf('tree'),
  agentClass: z.string(),
  /** the version of the policy in force; 0: that of the release */
  policy: policyVersion,
  grant: z.object({
    id: idOf('grant'),
    status: grantStatus,
    /** why it is not live although it is active */
    blockedBy: z.object({ grantId: z.string(), status: z.string(), revocationId: z.string().optional() }).optional(),
    expiresAt: time,
    limits,
    /** one sentence, if the manifest of the class allows less */
    manifest: z.string().optional(),
  }),
  /** the limits as sentences, by dimension */
  may: z.array(z.object({ dimension: z.string(), text: z.string() })),
  /** what is left of the lease, of each one above it, and of what their manifests allow */
  remaining: consumed,
  /** approvals of more than one call, which calls use without being asked about */
  approvals: z.array(
    z.object({
      id: idOf('approval'),
      scope: approvalScope,
      verb: z.string(),
      tool: z.string().optional(),
      resource: z.object({ type: z.string(), id: z.string().optional() }),
      /** the most that one call costs */
      cost: z.record(z.string(), z.number()),
      until: time,
    }),
  ),
  /** its requests that wait for people */
  pending: z.array(
    z.object({
      id: idOf('approval'),
      kind: z.enum(['grant', 'action', 'escalation']),
      expiresAt: time,
      given: z.number(),
      needed: z.number(),
    }),
  ),
  /** the bundles of permissions that the manifest of its class lists to ask for */
  missing: z
    .array(
      z.object({
        name: z.string(),
        words: z.string(),
        /** its entries as sentences */
        permissions: z.array(z.string()),
        /** how long it is held from the approval */
        lasts: z.string().optional(),
        /** `held`: nothing of it is missing now */
        status: z.enum(['missing', 'held', 'pending', 'refused']),
        /** status `pending`: the request that waits */
        approvalId: idOf('approval').optional(),
        /** status `held`: when the first part of it ends; status `refused`: when it can be asked for again */
        until: time.optional(),
        how,
      }),
    )
    .optional(),
  /** what it could ask for, and how */
  ask: z.array(z.object({ for: z.enum(['call', 'more', 'child', 'renewal']), says: z.string(), how })),
  position,
});
export type PermissionsView = z.infer<typeof permissionsView>;
