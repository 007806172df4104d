import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, hex, utf8, type Crypto } from './crypto';

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** Implements `Crypto` in plain JavaScript, for browsers, workers and other environments without Node. */
export const PURE_CRYPTO: Crypto = {
  sha256hex: (data) => hex(sha256(typeof data === 'string' ? utf8(data) : data)),
  saltedHex: (salt, text) =>
    hex(sha256(concat(bytesOf(`${salt.replaceAll('-', '+').replaceAll('_', '/')}==`), utf8(text)))),
  leaf: (body) => toBase64(sha256(concat(LEAF, sha256(utf8(body))))),
  node: (left, right) => toBase64(sha256(concat(NODE, bytesOf(left), bytesOf(right)))),
  // strict like Node: refuses encodings that RFC 8032 does not allow
  ed25519: (publicKey) => (message, signature) => {
    try {
      return signature.length === 64 && ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false; // the key is not a point of the curve
    }
  },
  fromBase64(text) {
    // atob accepts white space and missing padding
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
    const bytes = bytesOf(text);
    return toBase64(bytes.subarray(bytes.length - (bytes.length % 3))) === text.slice(text.length - tail(bytes))
      ? bytes
      : undefined;
  },
  toBase64,
  text(bytes) {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return undefined;
    }
  },
};

/** Returns the length of the last group if it is incomplete: only there can bits be unused. */
const tail = (bytes: Uint8Array): number => (bytes.length % 3 === 0 ? 0 : 4);

function bytesOf(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
