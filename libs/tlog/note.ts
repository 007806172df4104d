import { createHash, createPublicKey, sign as ed25519, verify as ed25519Verify, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '#kernel/result';

/** A C2SP signed note: a text and signatures by named keys. @see https://c2sp.org/signed-note */
export interface Signer {
  readonly name: string;
  readonly keyId: Buffer;
  sign(text: string): Buffer;
}
export interface Verifier {
  readonly name: string;
  readonly keyId: Buffer;
  verify(text: string, signature: Uint8Array): boolean;
}

/** Signature type of plain Ed25519. */
const ED25519 = 0x01;
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const DASH = '\u2014';
const SIGNATURES_MOST = 100;

/** SHA-256(name ‖ "\n" ‖ type ‖ public key), first four bytes. */
function keyIdOf(name: string, publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(`${name}\n`).update(Buffer.from([ED25519])).update(publicKey).digest().subarray(0, 4);
}

function checkName(name: string): void {
  if (name === '' || /[\s+\p{White_Space}]/u.test(name)) throw new Error(`not a key name: ${JSON.stringify(name)} (no spaces, no plus)`);
}

function rawPublicKey(key: KeyObject): Buffer {
  const der = createPublicKey(key as never).export({ type: 'spki', format: 'der' });
  if (der.length !== 44 || !der.subarray(0, 12).equals(SPKI)) throw new Error('not an Ed25519 key');
  return der.subarray(12);
}

export function makeSigner(name: string, key: KeyObject): Signer {
  checkName(name);
  return { name, keyId: keyIdOf(name, rawPublicKey(key)), sign: (text) => ed25519(null, Buffer.from(text), key) };
}

/** `<name>+<key id in hex>+<base64 of type and public key>` */
export function verifierKey(name: string, key: KeyObject): string {
  checkName(name);
  const publicKey = rawPublicKey(key);
  return `${name}+${keyIdOf(name, publicKey).toString('hex')}+${Buffer.concat([Buffer.from([ED25519]), publicKey]).toString('base64')}`;
}

export function parseVerifierKey(vkey: string): Result<Verifier & { publicKey: KeyObject }, string> {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey.trim());
  if (!match) return err('a verifier key reads <name>+<8 hex digits>+<base64>');
  const [name, id, encoded] = [match[1] as string, match[2] as string, match[3] as string];
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== ED25519 || bytes.toString('base64') !== encoded) return err('the verifier key holds no Ed25519 key');
  const raw = bytes.subarray(1);
  const keyId = keyIdOf(name, raw);
  if (keyId.toString('hex') !== id) return err('the verifier key does not fit its own key id');
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
  return ok({ name, keyId, publicKey, verify: (text, signature) => ed25519Verify(null, Buffer.from(text), publicKey, signature) });
}

/** @param text ends with a line end and has no empty last line */
export function signNote(text: string, signers: readonly Signer[]): string {
  if (!text.endsWith('\n')) throw new Error('the text of a note ends with a line end');
  const lines = signers.map(({ name, keyId, sign }) => `${DASH} ${name} ${Buffer.concat([keyId, sign(text)]).toString('base64')}\n`);
  return `${text}\n${lines.join('')}`;
}

/**
 * The text of a note, if at least one of the verifiers signed it. Signatures by unknown keys are ignored; one by a
 * known key that does not verify makes the whole note invalid.
 */
export function openNote(note: string, verifiers: readonly Verifier[]): Result<{ text: string; signedBy: string[] }, string> {
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) return err('the note has a control character');
  const at = note.lastIndexOf('\n\n');
  if (at < 0 || !note.endsWith('\n')) return err('the note has no signatures');
  const text = note.slice(0, at + 1);
  const lines = note.slice(at + 2).split('\n').slice(0, -1);
  if (lines.length === 0 || lines.length > SIGNATURES_MOST) return err('the note has no signatures, or too many');
  const signedBy: string[] = [];
  for (const line of lines) {
    const match = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const bytes = match ? Buffer.from(match[2] as string, 'base64') : undefined;
    if (!match || !bytes || bytes.length < 5 || bytes.toString('base64') !== match[2]) return err('a signature line is malformed');
    const verifier = verifiers.find((each) => each.name === match[1] && each.keyId.equals(bytes.subarray(0, 4)));
    if (!verifier || signedBy.includes(verifier.name)) continue;
    if (!verifier.verify(text, bytes.subarray(4))) return err(`the signature by ${verifier.name} is not valid`);
    signedBy.push(verifier.name);
  }
  return signedBy.length > 0 ? ok({ text, signedBy }) : err('none of the known keys signed the note');
}
