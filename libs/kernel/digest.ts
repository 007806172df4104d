import { createHash } from 'node:crypto';
import { canonicalize } from './canonical';

export const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
export const sha256hex = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** `sha256:<hex>` of the canonical JSON of a value (RFC 8785). */
export const canonicalDigest = (value: unknown): string => `sha256:${sha256hex(canonicalize(value))}`;

/**
 * `sha256:<hex>` of SHA-256(salt ‖ canonical JSON): names a value without giving it away, since the salt is kept beside
 * the value and erased with it.
 * @param salt base64url
 */
export function saltedDigest(salt: string, value: unknown): string {
  const hash = createHash('sha256').update(Buffer.from(salt, 'base64url')).update(canonicalize(value));
  return `sha256:${hash.digest('hex')}`;
}
