import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { KEY_ROLES, keyRole, personName } from '../keys/key';
import { time } from '../primitives';

/* The sessions of browsers: `/v1/session`. */

export const sessionAnswer = z.object({
  tenant: z.string(),
  who: z.object({
    kind: z.enum(['person', 'service']),
    id: z.string(),
    /** of a person, such as `user:ada@example.com` */
    name: z.string().optional(),
  }),
  roles: z.array(keyRole),
  /** the value of the header `x-csrf-token` of requests that change something */
  csrf: z.string(),
  /** when it ends in any case, and when it ends unless it is used */
  expiresAt: time,
  idleExpiresAt: time,
});
export type SessionAnswer = z.infer<typeof sessionAnswer>;

/** A one-time code of a sign-in link. */
export const sessionBody = z.strictObject({ code: z.string().min(1).max(LIMITS.sessions.secretChars) });
/** Other keys of the same holder, whose roles the session has as well; or none. */
export const sessionLinkBody = z.strictObject({
  keys: z.array(z.string().min(8).max(200)).max(KEY_ROLES.length),
});
export const sessionLinkAnswer = z.object({ url: z.string(), expiresAt: time });
/** `returnTo` in the spelling of OAuth parameters. */
export const signInQuery = z.strictObject({
  issuer: z.string().max(2_000).optional(),
  return_to: z.string().max(2_000).optional(),
});
/** An authorization response (RFC 6749 section 4.1.2, RFC 9207). Issuers may add members; those are ignored. */
export const callbackQuery = z.looseObject({
  state: z.string().max(2_000),
  code: z.string().max(4_000).optional(),
  iss: z.string().max(2_000).optional(),
  error: z.string().max(200).optional(),
});
export const endSessionsBody = z.strictObject({ person: personName });
export const endSessionsAnswer = z.object({
  ended: z.number().int(),
  /** the issuers whose people may have access to this tenant: the account of the person there is theirs to end */
  issuers: z.array(z.string()),
});
