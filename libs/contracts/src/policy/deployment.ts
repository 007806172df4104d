import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { digest, position, time } from '../primitives';
import { bundleFiles } from './bundle-files';
import { policyBundle } from './policy-bundle';

/**
 * The number of a bundle of a tenant: 1, 2, 3 … by deployment. 0 is the bundle that the release ships, which decides
 * until a tenant deploys its own.
 */
export const policyVersion = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const deployedVersion = policyVersion.min(1);

/** Part of the canonical text of a bundle. An event is bounded, so a bundle takes as many as it needs. */
export const policyPart = z.strictObject({
  /** of the whole text */
  digest,
  index: z
    .number()
    .int()
    .min(0)
    .max(LIMITS.policy.parts - 1),
  text: z.string().min(1).max(LIMITS.policy.partBytes),
});

/** The bundle whose parts are directly before this event decides from here on. */
export const policyDeployed = z.strictObject({
  version: deployedVersion,
  digest,
  parts: z.number().int().min(1).max(LIMITS.policy.parts),
  /** the version in force until here */
  replaces: policyVersion,
});

/** The bundle whose parts are directly before this event is compared with the policy in force, and never decides. */
export const policyShadowed = z.strictObject({
  digest,
  parts: z.number().int().min(1).max(LIMITS.policy.parts),
  /** the version in force */
  version: policyVersion,
  /** decisions after this time are not compared */
  until: time,
});

export const deployedPolicy = z.object({
  version: deployedVersion,
  /** of the canonical JSON of the bundle (RFC 8785) */
  digest,
  replaces: policyVersion,
  /** of the event that deployed it */
  position,
  at: time,
  /** the id of the actor that deployed it */
  by: z.string(),
});
export type DeployedPolicy = z.infer<typeof deployedPolicy>;

/** Of a candidate in shadow: `until`, and the version that stays in force. */
export const policyDeployedAnswer = z.object({ version: policyVersion, digest, position, until: time.optional() });
export type PolicyDeployedAnswer = z.infer<typeof policyDeployedAnswer>;

export const policyVersionsAnswer = z.object({
  /** the version in force */
  current: policyVersion,
  /** newest first */
  items: z.array(deployedPolicy),
  next: z.string().nullable(),
});
export type PolicyVersionsAnswer = z.infer<typeof policyVersionsAnswer>;

/** A bundle with its version. Version 0 has no deployment. */
export const policyAnswer = deployedPolicy
  .omit({ version: true })
  .partial()
  .extend({ version: policyVersion, digest, bundle: policyBundle });
export type PolicyAnswer = z.infer<typeof policyAnswer>;

/** A fault in a bundle; lines and columns start at 1. */
export const policyProblem = z.object({
  file: z.string(),
  line: z.number().int(),
  column: z.number().int(),
  /** members and indices in the file, joined by dots: `catalog.3.effects` */
  path: z.string(),
  message: z.string(),
  /** the nearest known name */
  suggestion: z.string().optional(),
});
export type PolicyProblem = z.infer<typeof policyProblem>;

export const policyCheckBody = z.strictObject({ bundle: bundleFiles });
export type PolicyCheckBody = z.infer<typeof policyCheckBody>;

/** Whether a bundle could be deployed. */
export const policyCheckAnswer = z.object({
  ok: z.boolean(),
  /** of its canonical JSON; left out if it cannot be read as a bundle */
  digest: digest.optional(),
  /** at most `LIMITS.policy.problems`; the last one counts the others */
  problems: z.array(policyProblem),
});
export type PolicyCheckAnswer = z.infer<typeof policyCheckAnswer>;
