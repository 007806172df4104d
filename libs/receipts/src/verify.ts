import { isAscii, isUtf8 } from 'node:buffer';
import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import { remembered } from '@bailiwick/core/memo';
import type { Crypto } from './web/crypto';
import { verifyWith, type Verification, type VerifyOptions } from './web/verify-steps';

export { STEPS, type Step, type StepId, type Verification, type VerifyOptions } from './web/verify-steps';

const SPKI = Buffer.from('302a300506032b6570032100', 'hex'); // the DER prefix of the 32 bytes of an Ed25519 key

/** Caches parsed keys: parsing a key costs as much as one verification, and most receipts come from a few logs. */
const keyOf = remembered<KeyObject>(
  (raw) => createPublicKey({ key: Buffer.concat([SPKI, Buffer.from(raw, 'latin1')]), format: 'der', type: 'spki' }),
  100,
);

// reusable buffers for hash input; they carry no state from one call to the next
const LEAF = Buffer.alloc(33);
const NODE = Buffer.alloc(65, 1);
const SALTED = Buffer.alloc(4_096);

const NODE_CRYPTO: Crypto = {
  sha256hex: (data) => hash('sha256', data, 'hex'),
  saltedHex(salt, text) {
    const most = salt.length + text.length * 3; // UTF-8 needs at most 3 bytes per UTF-16 unit
    const bytes = most <= SALTED.length ? SALTED : Buffer.alloc(most);
    const salted = bytes.write(salt, 'base64url');
    return hash('sha256', bytes.subarray(0, salted + bytes.write(text, salted)), 'hex');
  },
  leaf(body) {
    LEAF.write(hash('sha256', body, 'binary'), 1, 'latin1');
    return hash('sha256', LEAF, 'base64');
  },
  node(left, right) {
    NODE.write(left, 1, 'base64');
    NODE.write(right, 33, 'base64');
    return hash('sha256', NODE, 'base64');
  },
  ed25519(raw) {
    const key = keyOf(view(raw).toString('latin1'));
    return (message, signature) => signature.length === 64 && verify(null, message, key, signature);
  },
  fromBase64(text) {
    const bytes = Buffer.from(text, 'base64');
    // Node skips invalid characters and also accepts the URL alphabet: detect the first by length, the second by character
    const full = text.length % 4 === 0 && bytes.length === (text.length / 4) * 3 - padding(text);
    const last = bytes.subarray(bytes.length - (bytes.length % 3));
    const isCanonical = full && !text.includes('-') && !text.includes('_') && text.endsWith(last.toString('base64'));
    return isCanonical ? bytes : undefined;
  },
  toBase64: (bytes) => view(bytes).toString('base64'),
  text(bytes) {
    return isUtf8(bytes) ? view(bytes).toString(isAscii(bytes) ? 'latin1' : 'utf8') : undefined;
  },
};

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
const padding = (text: string): number => (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

/**
 * Verifies a receipt offline with only the verifier keys of its log. The steps run in order and end at the first failure,
 * which reports its location. The receipt itself lists what it does not prove (`doesNotProve`).
 * @param input the text of the file, or its parsed JSON if the parser rejected duplicate members
 * @param vkeys the log's verifier key, or all its keys after a rotation
 */
export const verifyReceipt = (
  input: unknown,
  vkeys: string | readonly string[],
  options: VerifyOptions = {},
): Verification => verifyWith(NODE_CRYPTO, input, vkeys, options);
