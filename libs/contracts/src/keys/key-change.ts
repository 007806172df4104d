import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { jkt } from '../grants/grant';
import { ref, time } from '../primitives';
import { groupNames, keyId, keyName, keyRole } from './key';

/** A change of an API key, as its tenant's log records it. The person is named by ref. */
export const keyChange = z.strictObject({
  keyId,
  change: z.enum(['issued', 'rotated', 'revoked']),
  name: keyName,
  role: keyRole.optional(),
  /** the person who holds it; a key without one is a service's */
  personRef: ref.optional(),
  groups: groupNames.optional(),
  expiresAt: time.optional(),
  /** thumbprints (RFC 7638) of the public keys of a client that signs assertions */
  jkts: z.array(jkt).min(1).max(LIMITS.keys.jwks).optional(),
  /** `rotated`: until when its earlier secret is valid as well */
  overlapUntil: time.optional(),
});
export type KeyChange = z.infer<typeof keyChange>;
