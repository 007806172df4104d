/**
 * The platform functions that verification needs. `../verify.ts` implements them for Node; `pure-crypto.ts` implements
 * them in plain JavaScript for everything else. All are synchronous, so that nothing can change during a verification.
 */
export interface Crypto {
  /** SHA-256 in lower-case hex; a string is hashed as UTF-8 */
  sha256hex(data: Uint8Array | string): string;
  /** SHA-256(salt ‖ text) in lower-case hex. @param salt 22 characters of base64url */
  saltedHex(salt: string, text: string): string;
  /** SHA-256(0x00 ‖ SHA-256(body)): the leaf of an event in its log, in base64 */
  leaf(body: string): string;
  /** SHA-256(0x01 ‖ left ‖ right), all in canonical base64. @see RFC 6962 §2.1 */
  node(left: string, right: string): string;
  /** RFC 8032, pure Ed25519. @param publicKey 32 bytes */
  ed25519(publicKey: Uint8Array): (message: Uint8Array, signature: Uint8Array) => boolean;
  /** decodes standard base64 with padding in canonical form (RFC 4648 §3.5); undefined for any other text */
  fromBase64(text: string): Uint8Array | undefined;
  toBase64(bytes: Uint8Array): string;
  /** decodes UTF-8; undefined if the bytes are invalid */
  text(bytes: Uint8Array): string | undefined;
}

const encoder = new TextEncoder();
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte] as string;
  return text;
}
