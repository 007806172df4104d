import { z } from 'zod';
import { idOf, logNameSchema, position, time } from '../primitives';
import { storedSelector } from '../revocations/stored-selector';
import { bundleFiles } from './bundle-files';
import { policyVersion } from './deployment';
import { RESPONDER_DOES, RESPONDER_LIMITED, RESPONDER_SELECTS } from './responder';

/** What responders would have done over the recorded events of a log. Nothing is done. */

export const rehearsalBody = z.strictObject({
  /** the responders of this bundle; left out: those of the version in force */
  bundle: bundleFiles.optional(),
  /** left out: the last seven days */
  since: time.optional(),
  log: logNameSchema.optional(),
});
export type RehearsalBody = z.infer<typeof rehearsalBody>;

const count = z.number().int();

export const rehearsedResponder = z.object({
  name: z.string(),
  does: z.enum(RESPONDER_DOES),
  select: z.enum(RESPONDER_SELECTS),
  suspensions: count,
  /** what it would have prepared, including the suspensions that a limit turned into this */
  prepared: count,
  limited: count,
  /** firings beyond its limit that would have had no event */
  unrecorded: count,
  /** runs that its suspensions would have held */
  stopped: count,
  /** those of them that completed as they were */
  honest: count,
});
export type RehearsedResponder = z.infer<typeof rehearsedResponder>;

export const rehearsedFiring = z.object({
  responder: z.string(),
  /** of the event that it responds to */
  position,
  time,
  treeId: idOf('tree'),
  runId: idOf('run'),
  did: z.enum(RESPONDER_DOES),
  limited: z.enum(RESPONDER_LIMITED).optional(),
  selector: storedSelector,
  stopped: count,
});
export type RehearsedFiring = z.infer<typeof rehearsedFiring>;

/** A run that completed, and that a suspension would have held before. */
export const honestRun = z.object({
  runId: idOf('run'),
  agentClass: z.string(),
  responder: z.string(),
  /** when it would have been held, and when it completed */
  heldAt: time,
  completedAt: time,
});
export type HonestRun = z.infer<typeof honestRun>;

export const responderRehearsal = z.object({
  log: logNameSchema,
  since: time,
  from: position,
  to: count,
  /** the version in force; left out if a bundle was given */
  version: policyVersion.optional(),
  responders: z.array(rehearsedResponder),
  /** the first ones; at most `LIMITS.policy.rehearsedFirings` */
  firings: z.array(rehearsedFiring),
  /** the first ones to complete; at most as many */
  honest: z.array(honestRun),
  assumes: z.array(z.string()),
});
export type ResponderRehearsal = z.infer<typeof responderRehearsal>;
