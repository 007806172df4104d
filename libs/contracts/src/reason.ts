import { z } from 'zod';
import { REASON_CODES, type Code } from './error-codes';

export const outcome = z.enum(['permit', 'step-up', 'deny']);
export type DecisionOutcome = z.infer<typeof outcome>;

/**
 * One node of the explanation tree of a decision: a dimension, a rule, or a grant of the chain with its own reasons.
 */
export interface Reason {
  /** a dimension's name, `liveness`, `trajectory`, `approval`, `tenant-budget`, `manifest`, or `grant` for a node of the chain */
  rule: string;
  outcome: DecisionOutcome;
  code?: string | undefined;
  /** one sentence for a person */
  message: string;
  grantId?: string | undefined;
  /** path in the limits, e.g. `budget.cost.USD` */
  path?: string | undefined;
  limit?: unknown;
  actual?: unknown;
  /** the lease of the acting run is suspended by the append of this decision */
  suspends?: true | undefined;
  reasons?: Reason[] | undefined;
}
const members = {
  rule: z.string(),
  outcome,
  code: z.enum(REASON_CODES).or(z.string()).optional(),
  message: z.string(),
  grantId: z.string().optional(),
  path: z.string().optional(),
  limit: z.unknown().optional(),
  actual: z.unknown().optional(),
  suspends: z.literal(true).optional(),
};
/** A reason that contains no others. */
export const plainReason = z.object(members);
export const reason: z.ZodType<Reason> = z.lazy(() => z.object({ ...members, reasons: z.array(reason).optional() }));

/** A refusal, which the edge turns into problem+json. */
export interface Refusal {
  code: Code;
  /** what is wrong, where, and what to send instead */
  detail: string;
  reasons?: Reason[] | undefined;
  /** additional members for some codes, e.g. the new preview of BLAST_RADIUS_GREW, or `noRoomFor` of TOO_MANY */
  extra?: Record<string, unknown> | undefined;
}

/** RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  reasons: z.array(reason).optional(),
});
export type Problem = z.infer<typeof problem>;
