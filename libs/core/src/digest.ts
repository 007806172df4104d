import { hash } from 'node:crypto';
import { canonicalize } from './canonical';

/** 32 bytes; a string is hashed as UTF-8. */
export const sha256 = (data: Uint8Array | string): Buffer => hash('sha256', data, 'buffer');
/** 64 lower-case hex digits; a string is hashed as UTF-8. */
export const sha256hex = (data: Uint8Array | string): string => hash('sha256', data, 'hex');

/** `sha256:<hex>` of the canonical JSON of a value (RFC 8785). @throws TypeError for what has no form in JSON */
export const canonicalDigest = (value: unknown): string => `sha256:${sha256hex(canonicalize(value))}`;

/**
 * `sha256:<hex>` of SHA-256(salt ‖ canonical JSON): names a value without giving it away, since the salt is kept beside
 * the value and erased with it.
 * @param salt base64url
 * @throws TypeError for a salt that is empty or not base64url: it would hide nothing; or for what has no form in JSON
 */
export function saltedDigest(salt: string, value: unknown): string {
  if (!/^[A-Za-z0-9_-]{2,}$/.test(salt)) throw new TypeError('a salt is base64url of at least one byte');
  const text = canonicalize(value);
  const bytes = Buffer.allocUnsafe(salt.length + 3 * text.length); // room for any: UTF-8 has at most 3 bytes for a unit
  const salted = bytes.write(salt, 'base64url');
  return `sha256:${sha256hex(bytes.subarray(0, salted + bytes.write(text, salted)))}`;
}
