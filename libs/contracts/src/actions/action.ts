import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { consumed, effect, posture, risk, scalar } from '../grants/grant';
import { answeredObligation, understands } from '../obligations/obligation';
import { costs, digest, freeText, idOf, name, time, units } from '../primitives';
import { outcome, reason } from '../reason';

export const label = z.string().regex(/^[a-z][a-z0-9_-]{0,63}(:[a-z0-9_-]{1,64})?$/, 'must be like read:secret');
export const labels = z.array(label).max(LIMITS.labelsPerAction);
/** Labels as recorded: those that the caller sent, and those that the rules added. */
export const recordedLabels = z.array(label).max(LIMITS.labelsPerAction + LIMITS.labelsAdded);

/** A value of a resource, or a list of values, that conditions are about. */
export const attribute = z.union([scalar, z.array(scalar).max(LIMITS.valuesPerAttribute)]);
export type Attribute = z.infer<typeof attribute>;

export const resource = z.strictObject({
  type: z.string().min(1).max(LIMITS.nameLength),
  id: z.string().min(1).max(LIMITS.resourceIdLength),
  /** must agree with the arguments of the same names, if the call states its arguments (ATTRIBUTE_CONTRADICTS_ARGS) */
  attributes: z
    .record(z.string().min(1).max(LIMITS.nameLength), attribute)
    .refine((value) => Object.keys(value).length <= LIMITS.attributesPerResource, {
      error: `at most ${LIMITS.attributesPerResource} attributes`,
    })
    .optional(),
});
export type Resource = z.infer<typeof resource>;

/** The call as far as a decision needs it; the arguments appear only as their digest. */
export const calledTool = z.strictObject({
  verb: z.string().min(1).max(LIMITS.nameLength),
  argsDigest: digest.optional(),
  tool: name.optional(),
  risk: risk.optional(),
  effect: effect.optional(),
});

/**
 * Digests of values of a call, `sha256:<hex>` of each in UTF-8, as `@bailiwick/core/value-digests` makes them. The gateway
 * replaces each by its HMAC with a key of the installation, and stores those with the payload of the event, so that they
 * are erased with it. Rules that follow values compare marks of them (`value-marks.ts`). An empty list states that there are
 * none; left out: nothing is stated.
 */
const valueDigestsUpTo = (most: number) => z.array(digest).max(most);
export const valueDigests = valueDigestsUpTo(LIMITS.valuesPerCall);
export const resultDigests = valueDigestsUpTo(LIMITS.valuesPerResult);

/** Asks for a token of the permitted call, for the owner of the tool. */
export const tokenRequest = z.strictObject({
  /** the address of the tool, which verifies the token */
  audience: z
    .url({ protocol: /^https?$/ })
    .max(LIMITS.nameLength)
    .regex(/^[^#@]*$/, 'must have no fragment and no user information'),
});

/** Names the permitted call to a service that the service acts for. */
export const onBehalfOf = z.strictObject({ actionId: idOf('action') });

/** The body of POST /v1/actions: the action that an agent requests before performing it. */
export const actionRequest = z.strictObject({
  grantId: idOf('grant'),
  action: z
    .strictObject({
      ...calledTool.shape,
      /** the arguments; digested at the edge, with a redacted preview stored in the event's payload */
      args: z.record(z.string(), z.unknown()).optional(),
      /** the values of the arguments whose flow is followed; `true` takes them from `args` */
      values: z.union([z.literal(true), valueDigests]).optional(),
    })
    .refine((action) => !(action.args && action.argsDigest), { error: 'give args or argsDigest, not both' })
    .refine((action) => action.values !== true || action.args, { error: 'values: true needs args' }),
  resource,
  cost: costs.optional(),
  units: units.optional(),
  posture: posture.optional(),
  approvalId: idOf('approval').optional(),
  labels: labels.optional(),
  parentActionId: idOf('action').optional(),
  /** a service acts under its own lease because of a permitted call to it, which is in flight in another tree */
  onBehalfOf: onBehalfOf.optional(),
  token: tokenRequest.optional(),
  /**
   * the obligations that the enforcement point applies: a permit with any other is decided as a denial. Left out: the
   * enforcement point compares the obligations of the answer itself
   */
  understands: understands.optional(),
});
export type ActionRequest = z.infer<typeof actionRequest>;

const listed = z.array(freeText(LIMITS.resourceIdLength)).max(LIMITS.effectsListed);
/** The actual effects of an action, as the enforcement point observed them. */
export const effects = z.strictObject({
  resources: listed.optional(),
  filesChanged: listed.optional(),
  /** external systems contacted */
  external: listed.optional(),
});
export type Effects = z.infer<typeof effects>;

/** The body of POST /v1/actions/{id}/outcome. */
export const outcomeRequest = z.strictObject({
  status: z.enum(['completed', 'failed']),
  resultDigest: digest.optional(),
  preview: z.string().max(LIMITS.previewLength).optional(),
  /** the values of the result whose flow is followed; `true` takes them from `preview` */
  values: z.union([z.literal(true), resultDigests]).optional(),
  effects: effects.optional(),
  cost: costs.optional(),
  units: units.optional(),
  /** labels of the result, e.g. `untrusted`, `private` */
  labels: labels.optional(),
});
export type OutcomeRequest = z.infer<typeof outcomeRequest>;

export const actionAnswer = z.object({
  decision: outcome,
  actionId: idOf('action'),
  reasons: z.array(reason),
  /**
   * duties of the enforcement point: `report-outcome`, and obligations. One that it does not know or does not apply
   * makes the permit a denial
   */
  obligations: z.array(answeredObligation),
  /** end of the period in which the permit may be used, or the approval given */
  expiresAt: time,
  /** deadline for the outcome of a permit; after it the outcome is recorded as a late report */
  outcomeUntil: time.optional(),
  approvalId: idOf('approval').optional(),
  /** the smallest remainder anywhere up the chain */
  remaining: consumed,
  /** the version of the policy that decided; left out: 0, the one that the release ships */
  policy: z.number().int().optional(),
  position: z.number().int(),
  /** of a permit whose request has `token`: a JWT for this one call, of seconds and single use */
  actionToken: z.string().optional(),
});
export type ActionAnswer = z.infer<typeof actionAnswer>;
