import { z } from 'zod';
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
  /** `rotated`: until when its earlier secret is valid as well */
  overlapUntil: time.optional(),
});
export type KeyChange = z.infer<typeof keyChange>;
