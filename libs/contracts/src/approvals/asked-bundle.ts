import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { ruleName } from '../policy/rule';
import { digest, duration, freeText } from '../primitives';

/** The bundle of a manifest that an escalation asks for, as the manifest stated it when it was asked for. */
export const askedBundle = z.strictObject({
  name: ruleName,
  /** what it is for, for people */
  words: freeText(LIMITS.nameLength),
  /** of its canonical JSON */
  digest,
  /** how long its permissions are held from the approval; left out: as long as the lease */
  lasts: duration.optional(),
});
export type AskedBundle = z.infer<typeof askedBundle>;

/** The call for which a run lacks a permission. */
export const missingCall = z.strictObject({
  verb: z.string().min(1).max(LIMITS.nameLength),
  resource: z.strictObject({
    type: z.string().min(1).max(LIMITS.nameLength),
    id: z.string().min(1).max(LIMITS.resourceIdLength),
  }),
});
export type MissingCall = z.infer<typeof missingCall>;
