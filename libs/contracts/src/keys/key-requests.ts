import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { tenantName } from '../primitives';
import { KEY_ROLES, keyId, newKey, secretDigest } from './key';
import { keyRecording } from './key-recording';

/* Requests of the gateway that change keys: `bailiwick.admin.<name>`. Each states how its change is recorded. */

export const issueKeysRequest = z.strictObject({
  tenant: tenantName,
  keys: z.array(newKey).min(1).max(KEY_ROLES.length),
  /**
   * `create`: only for a tenant without keys; `reissue`: only for a tenant with keys, and ends those of the same names at
   * once
   */
  mode: z.enum(['create', 'reissue']).optional(),
  record: keyRecording,
});
export const rotateKeyRequest = z.strictObject({
  tenant: tenantName,
  id: keyId,
  digest: secretDigest,
  /** how long the earlier secrets stay valid */
  overlapMs: z.number().int().min(0).max(LIMITS.keys.overlapMs),
  record: keyRecording,
});
export const revokeKeyRequest = z.strictObject({ tenant: tenantName, id: keyId, record: keyRecording });
