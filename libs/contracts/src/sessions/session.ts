import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { groupNames, KEY_ROLES, keyId, keyRole, secretDigest } from '../keys/key';
import { name, tenantName } from '../primitives';

/*
 * Sessions of browsers. No schema here has a secret: a session and a sign-in link are found by the digest of theirs. The
 * requests are those of the gateway to the delegation service, which alone reaches the tables: `bailiwick.admin.<name>`.
 */

/** A key by its id, or one of the installation's own, which have none, by the digest of its secret. */
export const sessionKey = z.union([z.strictObject({ id: keyId }), z.strictObject({ digest: secretDigest })]);
export type SessionKey = z.infer<typeof sessionKey>;

/** Who is signed in: the holder of keys, which are looked up at each request, or a person as an issuer described them. */
export const sessionHolder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('keys'), keys: z.array(sessionKey).min(1).max(KEY_ROLES.length) }),
  z.strictObject({
    kind: z.literal('person'),
    person: name,
    ref: z.string().max(LIMITS.nameLength),
    roles: z.array(keyRole),
    groups: groupNames,
    /** the issuer */
    via: z.string().max(LIMITS.nameLength),
  }),
]);
export type SessionHolder = z.infer<typeof sessionHolder>;

/** Stores a one-time link for the holder of keys. */
export const addSessionLinkRequest = z.strictObject({
  digest: secretDigest,
  tenant: tenantName,
  holder: sessionHolder,
});
/** Starts a session for a holder, or for that of a link, which it uses up. Repeating it changes nothing. */
export const startSessionRequest = z.strictObject({
  digest: secretDigest,
  from: z.union([
    z.strictObject({ link: secretDigest }),
    z.strictObject({ tenant: tenantName, holder: sessionHolder }),
  ]),
});
/** Reads a session that has not ended. `use` counts as a use, which puts off its end for want of use. */
export const sessionRequest = z.strictObject({ digest: secretDigest, use: z.boolean() });
export const endSessionRequest = z.strictObject({ digest: secretDigest });
/** Ends all sessions in which an issuer's person is signed in. */
export const endPersonSessionsRequest = z.strictObject({ tenant: tenantName, ref: z.string().max(LIMITS.nameLength) });

export interface StoredSession {
  readonly tenant: string;
  readonly holder: SessionHolder;
  /** RFC 3339; when it ends in any case, and when it ends unless it is used */
  readonly expiresAt: string;
  readonly idleExpiresAt: string;
}
