import { hash } from 'node:crypto';
import { canonicalize } from './canonical';

/** Hashes bytes, or a string as UTF-8, to 32 bytes. */
export const sha256 = (data: Uint8Array | string): Buffer => hash('sha256', data, 'buffer');
/** Hashes bytes, or a string as UTF-8, to 64 lower-case hex digits. */
export const sha256hex = (data: Uint8Array | string): string => hash('sha256', data, 'hex');

/** Returns `sha256:<hex>` of the canonical JSON of a value (RFC 8785). @throws TypeError if it has none */
export const canonicalDigest = (value: unknown): string => `sha256:${sha256hex(canonicalize(value))}`;

/**
 * Returns `sha256:<hex>` of SHA-256(salt ‖ canonical JSON). The digest identifies the value without disclosing it,
 * since the salt is stored with the value and erased with it.
 * @param salt base64url
 * @throws TypeError if the salt is empty or not base64url, since it would hide nothing, or the value has no canonical
 * JSON
 */
export function saltedDigest(salt: string, value: unknown): string {
  if (!/^[A-Za-z0-9_-]{2,}$/.test(salt)) throw new TypeError('a salt is base64url of at least one byte');
  const text = canonicalize(value);
  const bytes = Buffer.allocUnsafe(salt.length + 3 * text.length); // UTF-8 has at most 3 bytes per UTF-16 unit
  const salted = bytes.write(salt, 'base64url');
  return `sha256:${sha256hex(bytes.subarray(0, salted + bytes.write(text, salted)))}`;
}
