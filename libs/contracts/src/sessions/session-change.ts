import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { ref } from '../primitives';

/**
 * A sign-in, or the end of one to the console, in the log of its tenant. The actor is who signed in, or who ended the sessions of
 * another person. Neither the session's secret nor a token, nor anything of the browser is recorded.
 */
export const sessionChange = z.strictObject({
  change: z.enum(['started', 'ended']),
  /**
   * started: to the console with a link that holders of keys make, or at an issuer; or with the first use of a token of an
   * issuer, as the command line has it. The actor's `via` names the issuer.
   */
  with: z.enum(['link', 'issuer', 'token']).optional(),
  /** ended by another: the person whose sessions they were, and how many */
  personRef: ref.optional(),
  sessions: z.int().min(1).max(LIMITS.sessions.perTenant).optional(),
});
