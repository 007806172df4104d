import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { agent, consumed, limits } from '../grants/grant';
import { idOf, position, time } from '../primitives';

/** A root lease that a revocation ended, and the revocation. */
export const regranted = z.strictObject({ grantId: idOf('grant'), revocationId: idOf('revocation') });
export type Regranted = z.infer<typeof regranted>;

/** What a run that is opened may have at most, since it is opened to have what was left of an ended lease. */
export const regrantBound = z.strictObject({
  ...regranted.shape,
  atMost: limits,
  /** the position before which the rules of the log were taken into account */
  asOf: position,
});
export type RegrantBound = z.infer<typeof regrantBound>;

/** A root lease that a revocation ended: what it could get again, or why it gets nothing. */
export const regrantProposal = z.object({
  grantId: idOf('grant'),
  runId: idOf('run'),
  agent,
  /** null once erased */
  requestedBy: z.string().nullable(),
  purpose: z.string().nullable(),
  /** what it held when it ended, and what it had used of it; what calls in flight had reserved counts as used */
  held: limits,
  used: consumed,
  /** present if it can be granted again: the most that the new lease may have, which is what was left */
  proposed: limits.optional(),
  /** why it cannot */
  whyNot: z.string().optional(),
  /** the run that was opened for it before */
  regrantedAs: idOf('run').optional(),
});
export type RegrantProposal = z.infer<typeof regrantProposal>;

/** Which of the root leases to list, and until when they would last. */
export const regrantsQuery = {
  /** the `next` of the page before */
  after: idOf('grant').or(idOf('approval')).optional(),
  limit: z.coerce.number().int().min(1).max(LIMITS.regrantsPage).optional(),
  /** the end of the new leases; left out: that of each ended one */
  expiresAt: time.optional(),
};
export const regrantsAnswer = z.object({
  revocationId: idOf('revocation'),
  /** the position before which events are taken into account */
  asOf: position,
  items: z.array(regrantProposal),
  /** leases that had a parent: it can delegate them again */
  delegated: z.number(),
  next: z.string().nullable(),
});
export type RegrantsAnswer = z.infer<typeof regrantsAnswer>;

export const regrantsBody = z.strictObject({
  /** the ended leases to grant again, as proposed */
  accept: z.array(idOf('grant')).min(1).max(LIMITS.regrantsPage),
  /** the end of the new leases; left out: that of each ended one, which must not have passed */
  expiresAt: time.optional(),
});
