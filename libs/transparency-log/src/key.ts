import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '@bailiwick/core/result';
import { fromBase64, isNoteText } from './text';

/** Signature types; part of a key id, so that a key has one type. */
export const SIGNATURE_TYPE = {
  /** Ed25519 over the text of the note */
  ed25519: 0x01,
  /** Ed25519 over a time and the text, used by witnesses. @see https://c2sp.org/tlog-cosignature */
  cosignature: 0x04,
} as const;
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

/** A public key with its name. Name and id together identify it; the id alone is too short. */
export interface NoteKey {
  readonly name: string;
  /** four bytes */
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
}

const SPKI = Buffer.from('302a300506032b6570032100', 'hex'); // the DER prefix of the 32 bytes of an Ed25519 key

/** @throws Error for an empty name, or a name with white space, a plus or a control character */
export function checkName(name: string): void {
  if (name === '' || /[+\p{White_Space}]/u.test(name) || !isNoteText(name)) {
    throw new Error(
      `not a key name: ${JSON.stringify(name)}; use a name without spaces, plus signs and control characters`,
    );
  }
}

/** SHA-256(name ‖ "\n" ‖ type ‖ public key), first four bytes. @see https://c2sp.org/signed-note */
function keyIdOf(name: string, type: SignatureType, publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(`${name}\n`).update(Buffer.of(type)).update(publicKey).digest().subarray(0, 4);
}

/** Returns the 32 bytes of RFC 8032 of a public key, or of the public half of a private key. */
function rawPublicKey(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`not an Ed25519 key but ${key.asymmetricKeyType ?? key.type}`);
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI.length);
}

/** @throws Error if the name is not a key name, or the key not an Ed25519 key */
export function noteKey(name: string, type: SignatureType, key: KeyObject): NoteKey {
  checkName(name);
  const raw = rawPublicKey(key);
  return { name, keyId: keyIdOf(name, type, raw), publicKey: key.type === 'private' ? createPublicKey(key) : key };
}

/** Formats the verifier key `<name>+<id in hex>+<base64 of type and public key>`. @see https://c2sp.org/signed-note#verifier-keys */
export function writeKey(name: string, type: SignatureType, key: KeyObject): string {
  const { keyId } = noteKey(name, type, key);
  return `${name}+${keyId.toString('hex')}+${Buffer.concat([Buffer.of(type), rawPublicKey(key)]).toString('base64')}`;
}

/**
 * Reads a verifier key of the wanted signature type. Refuses any other encoding of it, except for one line end after it,
 * as in a file.
 */
export function readKey(vkey: string, wanted: SignatureType): Result<NoteKey, string> {
  const match = /^([^+\p{White_Space}]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})\n?$/u.exec(vkey);
  if (!match || !isNoteText(vkey)) return err('a verifier key has the form <name>+<8 lower-case hex digits>+<base64>');
  const [name, id, encoded] = match.slice(1) as [string, string, string];
  const bytes = fromBase64(encoded);
  if (bytes === undefined) return err(`the verifier key of ${name} is not written in canonical base64`);
  if (bytes[0] !== wanted) return err(`the verifier key of ${name} has signature type ${bytes[0]}, not ${wanted}`);
  if (bytes.length !== 33)
    return err(`the verifier key of ${name} has ${bytes.length - 1} bytes; an Ed25519 key has 32`);
  const raw = bytes.subarray(1);
  const keyId = keyIdOf(name, wanted, raw);
  if (keyId.toString('hex') !== id) return err(`the verifier key of ${name} does not match its key id ${id}`);
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
  return ok({ name, keyId, publicKey });
}
