import { sign as ed25519, verify as ed25519Verify, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '@bailiwick/core/result';
import { checkName, noteKey, readKey, SIGNATURE_TYPE, writeKey, type NoteKey } from './key';
import { fromBase64, isNoteText } from './text';

// C2SP signed notes: a text, and signatures by named keys. @see https://c2sp.org/signed-note

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

/** One signature line, not yet verified. */
export interface Signature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** The specification asks that at least 16 be accepted; beyond these a note is an attempt to make us work. */
export const SIGNATURES_MOST = 100;
/** UTF-16 units of a note; room for every signature line of the largest known kind. */
export const NOTE_LENGTH_MOST = 1_000_000;

const DASH = '\u2014';

/** @param key private Ed25519 key. @throws Error when the name is no key name, or the key no such key */
export function makeSigner(name: string, key: KeyObject): Signer {
  const { keyId } = noteKey(name, SIGNATURE_TYPE.ed25519, key);
  if (key.type !== 'private') throw new Error('to sign takes a private key');
  return { name, keyId, sign: (text) => ed25519(null, Buffer.from(text), key) };
}

/** `<name>+<key id in hex>+<base64 of type and public key>`, of a private or a public key. */
export const verifierKey = (name: string, key: KeyObject): string => writeKey(name, SIGNATURE_TYPE.ed25519, key);

export function parseVerifierKey(vkey: string): Result<Verifier & NoteKey, string> {
  const key = readKey(vkey, SIGNATURE_TYPE.ed25519);
  if (!key.ok) return key;
  const { publicKey } = key.value;
  const verify = (text: string, signature: Uint8Array): boolean =>
    signature.length === 64 && ed25519Verify(null, Buffer.from(text), publicKey, signature);
  return ok({ ...key.value, verify });
}

/**
 * @param text ends with a line end
 * @throws Error for a text that no note can hold, or when nobody signs
 */
export function signNote(text: string, signers: readonly Signer[]): string {
  if (!text.endsWith('\n')) throw new Error('the text of a note ends with a line end');
  if (!isNoteText(text)) throw new Error('the text of a note has no control characters and no half surrogate pairs');
  if (signers.length === 0) throw new Error('a note has at least one signature');
  return `${text}\n${signers.map((signer) => signatureLine({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) })).join('')}`;
}

/**
 * Adds signatures to a note, verifying none: those of witnesses, kept beside the log's own. A signature that the note
 * has already is not repeated.
 * @throws Error when the note is malformed, or would have too many signatures
 */
export function addSignatures(note: string, more: readonly Signature[]): string {
  const lines = more.map(signatureLine).filter((line) => !note.includes(`\n${line}`));
  const longer = note + [...new Set(lines)].join('');
  const read = readNote(longer);
  if (!read.ok) throw new Error(`cannot add signatures: ${read.error}`);
  return longer;
}

/** A signature as a line of a note. @throws Error for what is no key name */
export function signatureLine({ name, keyId, signature }: Signature): string {
  checkName(name);
  return `${DASH} ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
}

export interface SignedText {
  /** ends with a line end; not to be believed before a signature is verified */
  readonly text: string;
  readonly signatures: Signature[];
}

/** Takes a note apart and verifies nothing. */
export function readNote(note: string): Result<SignedText, string> {
  if (note.length > NOTE_LENGTH_MOST) return err(`the note is longer than ${NOTE_LENGTH_MOST} characters`);
  if (!isNoteText(note)) return err('the note has a control character, or a half surrogate pair');
  const at = note.lastIndexOf('\n\n');
  if (at < 0) return err('the note has no empty line before its signatures');
  const lines = note.slice(at + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0)
    return err('the note has no signature, or does not end with a line end');
  if (lines.length > SIGNATURES_MOST) return err(`the note has more than ${SIGNATURES_MOST} signatures`);
  const signatures: Signature[] = [];
  for (const line of lines) {
    const signature = readSignature(line);
    if (signature === undefined) return err(`a signature line is malformed: want "${DASH} <name> <base64>"`);
    signatures.push(signature);
  }
  return ok({ text: note.slice(0, at + 1), signatures });
}

function readSignature(line: string): Signature | undefined {
  const match = /^\u2014 ([^+\p{White_Space}]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
  const bytes = match ? fromBase64(match[2] as string) : undefined;
  if (!match || bytes === undefined || bytes.length < 5) return undefined;
  return { name: match[1] as string, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

export interface OpenedNote {
  readonly text: string;
  /** names of the verifiers whose signature the note bears, each once */
  readonly signedBy: string[];
  /** every signature of the note, those by unknown keys too */
  readonly signatures: Signature[];
}

/**
 * The text of a note, if at least one of the verifiers signed it. Signatures by unknown keys are ignored, also where
 * they share a name or a key id, but not both, with a known one; one by a known key that does not verify makes the
 * whole note invalid. Which of the verifiers must have signed is for the caller to ask (`signedBy`).
 */
export function openNote(note: string, verifiers: readonly Verifier[]): Result<OpenedNote, string> {
  const read = readNote(note);
  if (!read.ok) return read;
  const { text, signatures } = read.value;
  const signedBy = new Set<string>();
  for (const { name, keyId, signature } of signatures) {
    const known = verifiers.filter((each) => each.name === name && each.keyId.equals(keyId));
    if (known.length === 0) continue;
    if (known.length > 1)
      return err(`two of the known keys are ${name}+${keyId.toString('hex')}: it cannot be told which signed`);
    if (!known[0]?.verify(text, signature)) return err(`the signature by ${name} is not valid`);
    signedBy.add(name);
  }
  return signedBy.size > 0
    ? ok({ text, signedBy: [...signedBy], signatures })
    : err('none of the known keys signed the note');
}
