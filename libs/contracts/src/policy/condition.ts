import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';

/** Cedar policies of a bundle; the syntax is checked where bundles are checked (`@bailiwick/policy/conditions`). */
export const conditionEntry = z.strictObject({
  cedar: z
    .string()
    .min(1)
    .max(LIMITS.policy.conditionChars)
    .describe(
      'One or several Cedar policies. Each is a forbid with an annotation @id("…"), and may have @reason("…") for people.',
    ),
});
export type ConditionEntry = z.infer<typeof conditionEntry>;
