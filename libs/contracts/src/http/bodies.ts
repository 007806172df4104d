import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { actionRequest } from '../actions/action';
import { approvalScope } from '../approvals/approval-scope';
import { missingCall } from '../approvals/asked-bundle';
import { selectedByBudget, tenantCaps } from '../budgets/tenant-budget';
import { revocationTarget } from '../events/event';
import { grantRequest, grantView, requestedAgent, runView } from '../grants/grant';
import { clientJwks } from '../keys/client-keys';
import { groupNames, keyName, keyRole, keyView, KEY_ROLES, personName } from '../keys/key';
import { digest, duration, freeText, idOf, logNameSchema, name, position, ref, time } from '../primitives';
import { bundleFiles } from '../policy/bundle-files';
import { policyVersion } from '../policy/deployment';
import { ruleName } from '../policy/rule';
import { approvalView } from '../queries/query';
import { combined, incidentId, namesVerb, selectorParts } from '../revocations/stored-selector';

/** Bodies of the REST contract (API.md). Unknown members are refused everywhere. */

/** A token of a configured issuer that attests the posture of an agent. */
const attestation = z.string().min(1).max(16_384);

export const openRunBody = z.strictObject({
  agent: requestedAgent,
  attestation: attestation.optional(),
  /** the principal: `user:…`, `service:…` */
  requestedBy: personName,
  purpose: freeText(),
  /** left out: what the manifest of the class states as its lease */
  grant: grantRequest.default({}),
  requireApproval: z.boolean().optional(),
});
export const delegationBody = z.strictObject({
  agent: requestedAgent,
  attestation: attestation.optional(),
  /** the name of the delegated task in plain language */
  task: freeText(LIMITS.textLength),
  purpose: freeText().optional(),
  grant: grantRequest,
});
export const grantedAnswer = z.object({
  run: runView,
  grant: grantView,
  token: z.string(),
  expiresAt: time,
  position,
});
export const pendingAnswer = z.object({ run: runView, approval: approvalView });

export const renewalBody = z.strictObject({});
const leaseTerms = grantView.pick({ id: true, treeId: true, parentId: true, runId: true, depth: true, limits: true });
export const renewedAnswer = z.object({ grant: leaseTerms, token: z.string(), expiresAt: time, position });
export type Renewed = z.infer<typeof renewedAnswer>;
export const narrowingBody = z.strictObject({
  /** what is named replaces the current limit and must be within it; what is left out stays */
  grant: grantRequest,
  reason: freeText(),
});
export const narrowedAnswer = z.object({
  grant: leaseTerms,
  /** the caps that the use so far has reached under the new limits; set if that ended the lease */
  exhausted: z.array(z.string()).optional(),
  position,
});
export type Narrowed = z.infer<typeof narrowedAnswer>;

export const completionBody = z.strictObject({});
export const escalationBody = z
  .strictObject({
    /** limits in addition to those that the run has */
    want: grantRequest.optional(),
    /** the name of a bundle that the manifest of its class lists */
    ask: ruleName.optional(),
    /** a call that the lease does not permit; the first bundle that covers it is asked for */
    missing: missingCall.optional(),
    reason: freeText(),
  })
  .refine(({ want, ask, missing }) => [want, ask, missing].filter((each) => each !== undefined).length === 1, {
    error: 'send exactly one of want, ask and missing',
  });
export const approvalDecisionBody = z.strictObject({
  verdict: z.enum(['approve', 'deny']),
  note: freeText().optional(),
  /** approves a lease with less than was asked for; members left out are as asked for */
  grant: grantRequest.optional(),
  /** what the approval of a call covers: this call once (default), its verb on its target, or its verb in the run */
  scope: approvalScope.optional(),
  /** approves alone in an emergency, where the policy permits it; `note` states why */
  breakGlass: z.literal(true).optional(),
});
export type ApprovalDecision = z.infer<typeof approvalDecisionBody>;
export const actionsBatchBody = z.strictObject({ actions: z.array(actionRequest).min(1).max(LIMITS.actionsPerBatch) });

export const revocationBody = z.strictObject({
  reason: freeText(),
  /** a grant is always revoked with all its descendants (I2); false is refused */
  subtree: z.literal(true, { error: 'must be true: descendants of a revoked grant are never live' }).optional(),
});
export const suspensionBody = z.strictObject({ reason: freeText() });
/** What a revocation selects: all given members must match. In `all`, `any` and `not` the same members again. */
export const selectorBody = combined({
  ...selectorParts,
  /** any spelling: stored data of a person is found only by the exact name that was given */
  principal: name.optional(),
  purpose: freeText().optional(),
  /** the person, or `key:…`, whose approval issued the lease */
  approver: name.optional(),
}).refine((value) => Object.values(value).some((part) => part !== undefined), {
  error:
    'name at least one of agentClass, agentInstance, modelVersion, environment, imageDigest, principal, approver, purpose, tool, verb, resource, treeId, issuedBefore, issuedAfter, all, any, not',
});
export type SelectorBody = z.infer<typeof selectorBody>;
/**
 * The effect of a selector with `tool` or `verb`: deny that tool or those verbs (the default), or end the leases that could
 * use one.
 */
const toTarget = {
  selector: selectorBody,
  target: revocationTarget.optional(),
  quarantine: z.boolean().optional(),
};
const targetFits = ({ selector, target }: { selector: SelectorBody; target?: string | undefined }) =>
  target === undefined || namesVerb(selector);
const MISFIT = {
  error: 'target applies to a tool or verbs; name them in selector.tool or selector.verb, or leave target out',
  path: ['target'],
};
export const previewBody = z.strictObject(toTarget).refine(targetFits, MISFIT);
export const revocationsBody = z
  .strictObject({
    ...toTarget,
    reason: freeText(),
    digest: z.string().max(400).optional(),
    force: z.boolean().optional(),
    incident: incidentId.optional(),
    /** `suspend`: until it is resumed; left out: `revoke` */
    mode: z.enum(['revoke', 'suspend']).optional(),
    /** mode `suspend`: the time at which it ends */
    until: time.optional(),
  })
  .refine(targetFits, MISFIT)
  .refine(({ mode, until }) => until === undefined || mode === 'suspend', {
    error: 'until is the end of mode suspend: a revocation has none',
    path: ['until'],
  });
export const policyBody = z
  .strictObject({
    bundle: bundleFiles,
    /** the version in force; 0 is the one that the release ships */
    replaces: policyVersion,
    /** `shadow`: compares what the bundle would decide, and never acts on it; left out: `enforce` */
    mode: z.enum(['enforce', 'shadow']).optional(),
    /** the end of a comparison */
    until: time.optional(),
  })
  .refine(({ mode, until }) => (mode === 'shadow') === (until !== undefined), {
    error: 'until is the end of mode shadow: give both or none',
    path: ['until'],
  });
export type PolicyBody = z.infer<typeof policyBody>;
export const tenantBudgetBody = z.strictObject({
  /** all given members must match; without any, every action of the tenant draws from the budget */
  selector: z.strictObject({
    /** the person or service that root runs name in `requestedBy` */
    principal: personName.optional(),
    ...selectedByBudget,
  }),
  budget: tenantCaps,
});
export type TenantBudgetBody = z.infer<typeof tenantBudgetBody>;
export const erasurePreviewBody = z.strictObject({
  /** the person, by the name in `requestedBy` */
  subject: name,
});
export const erasureBody = erasurePreviewBody.extend({
  reason: freeText().optional(),
  /** erases even if only the reasons of earlier erasures are left; without `reason` */
  earlierReasons: z.literal(true).optional(),
});
export const erasureAnswer = z.object({
  erasure: z.object({
    subjectRef: ref,
    before: position,
    runs: position,
    payloads: position,
    name: z.literal(true).optional(),
  }),
  /** position of the event that records it */
  position,
  /** false: the erasure continues; repeat the request with the same Idempotency-Key to learn when it is done */
  done: z.boolean(),
});

export const repairBody = z.strictObject({
  log: logNameSchema.optional(),
  /** of the unreadable event, with the digest of its bytes as shown */
  position,
  bodyDigest: digest,
  reason: freeText().optional(),
});
export const repairAnswer = z.object({
  setAside: z.object({ position, bodyDigest: digest, reason: z.unknown() }),
  /** position of the event that records it */
  position,
});

export const revokedAnswer = z.object({
  revocationId: idOf('revocation'),
  positions: z.record(z.string(), position),
});

// ---- AuthZEN Authorization API 1.0 -----------------------------------------------------------------------------

const properties = z.record(z.string(), z.unknown()).optional();
export const authzenSubject = z.looseObject({ type: z.string(), id: z.string(), properties });
export const authzenAction = z.looseObject({ name: z.string(), properties });
export const authzenResource = z.looseObject({ type: z.string(), id: z.string(), properties });
/** decides without an effect; a context may have it, too */
const dryRun = z.boolean().optional();
export const evaluationBody = z.looseObject({
  subject: authzenSubject,
  action: authzenAction,
  resource: authzenResource,
  context: z.record(z.string(), z.unknown()).optional(),
  dryRun,
});
export const evaluationsBody = z.looseObject({
  /** the defaults, which may be incomplete: an item has the rest */
  subject: authzenSubject.partial().optional(),
  action: authzenAction.partial().optional(),
  resource: authzenResource.partial().optional(),
  context: z.record(z.string(), z.unknown()).optional(),
  dryRun,
  evaluations: z
    .array(
      z.looseObject({
        subject: authzenSubject.partial().optional(),
        action: authzenAction.partial().optional(),
        resource: authzenResource.partial().optional(),
        context: z.record(z.string(), z.unknown()).optional(),
        dryRun,
      }),
    )
    .max(LIMITS.actionsPerBatch)
    .optional(),
  options: z
    .looseObject({
      evaluations_semantic: z.enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit']).optional(),
      dryRun,
    })
    .optional(),
});
export const evaluationAnswer = z.object({
  decision: z.boolean(),
  context: z.record(z.string(), z.unknown()).optional(),
});

const roleNames: readonly string[] = KEY_ROLES;
export const keyBody = z
  .strictObject({
    name: keyName.refine((text) => !roleNames.includes(text), {
      error: 'is the name of a key of the tenant itself; take another',
    }),
    /** left out: a person who may see and stop what runs in their name */
    role: keyRole.optional(),
    /** the person who holds it, such as `user:ada@example.com`; without one it is a service's */
    person: personName.optional(),
    groups: groupNames.optional(),
    /** public keys of an OAuth client that signs assertions: no secret is issued */
    jwks: clientJwks.optional(),
    expiresAt: time.optional(),
  })
  .refine(({ role, person }) => role !== undefined || person !== undefined, {
    error: 'the key of a service needs a role',
    path: ['role'],
  });
/** A key as lists and changes return it; `ref` names its person in events. */
export const keyAnswer = keyView.extend({ ref: ref.optional() });
export type KeyAnswer = z.infer<typeof keyAnswer>;
export const issuedKeyAnswer = keyAnswer.extend({
  /** the secret; it is returned once. Left out for a client with public keys */
  key: z.string().optional(),
  position,
});
export const keysAnswer = z.object({ items: z.array(keyAnswer), next: z.null() });
export const rotationBody = z.strictObject({
  /** how long the earlier secret stays valid; 0s ends it at once */
  overlap: duration.optional(),
  /** of a client with public keys: they replace the earlier ones at once */
  jwks: clientJwks.optional(),
});
export const revokedKeyAnswer = keyAnswer.extend({ position });

/** How a command line signs a person in, at one issuer. */
export const signInAnswer = z.object({
  issuers: z.array(
    z.object({
      issuer: z.string(),
      clientId: z.string(),
      scope: z.string(),
      resource: z.string().optional(),
      /** which of the issued tokens to send: that of the API, or the ID token */
      token: z.enum(['access', 'id']),
    }),
  ),
  /** where people sign in to the console */
  console: z.array(z.object({ issuer: z.string() })),
});
export type SignIn = z.infer<typeof signInAnswer>['issuers'][number];
