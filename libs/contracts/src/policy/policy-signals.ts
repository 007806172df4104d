import { z } from 'zod';
import { logNameSchema, position, time } from '../primitives';

/** What decisions and the answers of people indicate about a policy: which prompts are not read, which leases do not fit. */

const count = z.number().int();

/** An answer within this time was given without reading the card, in ms. */
export const INSTANT_MS = 3_000;
/** Upper bounds of the times to an answer that are counted, in seconds. */
export const ANSWER_SECONDS = [3, 10, 30, 60, 300, 900, 3_600, 14_400] as const;

export const verbSignals = z.object({
  verb: z.string(),
  agentClass: z.string(),
  permits: count,
  denials: count,
  /** calls for which a person was asked */
  stepUps: count,
  /** permits that used the approval of a person */
  overrides: count,
  /** requests of the period, by their end: those that are left are pending */
  asked: count,
  approved: count,
  refused: count,
  expired: count,
  /** approvals within 3 s */
  instantly: count,
  /** approvals that one person gave alone in an emergency */
  brokenGlass: count,
  /** answers by their time: up to each of `ANSWER_SECONDS`, then beyond */
  answers: z.array(count),
});
export type VerbSignals = z.infer<typeof verbSignals>;

export const reasonSignals = z.object({
  code: z.string(),
  agentClass: z.string(),
  decision: z.enum(['deny', 'step-up']),
  count,
});
export type ReasonSignals = z.infer<typeof reasonSignals>;

export const suggestion = z.object({
  kind: z.enum(['not-read', 'always-approved', 'not-answered', 'always-refused', 'does-not-fit']),
  verb: z.string().optional(),
  agentClass: z.string(),
  code: z.string().optional(),
  /** one sentence for people */
  says: z.string(),
});
export type Suggestion = z.infer<typeof suggestion>;

export const policySignals = z.object({
  log: logNameSchema,
  since: time,
  /** the first and the last position that was read */
  from: position,
  to: z.number().int(),
  /** events before `from` were left out, because one answer reads a bounded number of events */
  truncated: z.boolean(),
  decisions: count,
  /** verbs by class: those that asked people most first, then by decisions; at most `LIMITS.policy.signalGroups` */
  verbs: z.array(verbSignals),
  /** codes of denials and questions by class, most frequent first; at most `LIMITS.policy.signalGroups` */
  reasons: z.array(reasonSignals),
  suggestions: z.array(suggestion),
});
export type PolicySignals = z.infer<typeof policySignals>;
