import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { ref } from '../primitives';

/**
 * A sign-in to the console, or its end, in the log of its tenant. The actor is who signed in, or who ended the sessions of
 * another person. Neither the session's secret nor a token, nor anything of the browser is recorded.
 */
export const sessionChange = z.strictObject({
  change: z.enum(['started', 'ended']),
  /** started: with a link that holders of keys make, or at an issuer, which the actor's `via` names */
  with: z.enum(['link', 'issuer']).optional(),
  /** ended by another: the person whose sessions they were, and how many */
  personRef: ref.optional(),
  sessions: z.int().min(1).max(LIMITS.sessions.perTenant).optional(),
});
