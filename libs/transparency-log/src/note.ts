import { sign as ed25519, verify as ed25519Verify, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '@bailiwick/core/result';
import { checkName, noteKey, readKey, SIGNATURE_TYPE, writeKey, type NoteKey } from './key';
import { fromBase64, isNoteText } from './text';

// C2SP signed notes: a text with signatures by named keys. @see https://c2sp.org/signed-note

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

/** The specification requires at least 16; a note with more than this maximum is treated as an attempt to waste time. */
export const SIGNATURES_MOST = 100;
/** In UTF-16 units; enough for the maximum number of signature lines of the largest known kind. */
export const NOTE_LENGTH_MOST = 1_000_000;

const DASH = '\u2014';

/** @param key private Ed25519 key. @throws Error if the name is not a key name, or the key not a private Ed25519 key */
export function makeSigner(name: string, key: KeyObject): Signer {
  const { keyId } = noteKey(name, SIGNATURE_TYPE.ed25519, key);
  if (key.type !== 'private') throw new Error('signing requires a private key');
  return { name, keyId, sign: (text) => ed25519(null, Buffer.from(text), key) };
}

/** Formats a private or public key as `<name>+<key id in hex>+<base64 of type and public key>`. */
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
 * @param text must end with a line end
 * @throws Error for a text that a note cannot contain, or without signers
 */
export function signNote(text: string, signers: readonly Signer[]): string {
  if (!text.endsWith('\n')) throw new Error('the text of a note must end with a line end');
  if (!isNoteText(text))
    throw new Error('the text of a note must not contain control characters or half surrogate pairs');
  if (signers.length === 0) throw new Error('a note must have at least one signature');
  return `${text}\n${signers.map((signer) => signatureLine({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) })).join('')}`;
}

/**
 * Adds signatures to a note without verifying them, such as those of witnesses. Skips signatures that the note already
 * has.
 * @throws Error if the note is malformed or would have too many signatures
 */
export function addSignatures(note: string, more: readonly Signature[]): string {
  const lines = more.map(signatureLine).filter((line) => !note.includes(`\n${line}`));
  const longer = note + [...new Set(lines)].join('');
  const read = readNote(longer);
  if (!read.ok) throw new Error(`cannot add signatures: ${read.error}`);
  return longer;
}

/** Formats a signature as a line of a note. @throws Error if the name is not a key name */
export function signatureLine({ name, keyId, signature }: Signature): string {
  checkName(name);
  return `${DASH} ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
}

export interface SignedText {
  /** ends with a line end; do not trust it before a signature is verified */
  readonly text: string;
  readonly signatures: Signature[];
}

/** Parses a note without verifying it. */
export function readNote(note: string): Result<SignedText, string> {
  if (note.length > NOTE_LENGTH_MOST) return err(`the note is longer than ${NOTE_LENGTH_MOST} characters`);
  if (!isNoteText(note)) return err('the note contains a control character or half a surrogate pair');
  const at = note.lastIndexOf('\n\n');
  if (at < 0) return err('the note has no empty line before its signatures');
  const lines = note.slice(at + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0)
    return err('the note has no signature, or does not end with a line end');
  if (lines.length > SIGNATURES_MOST) return err(`the note has more than ${SIGNATURES_MOST} signatures`);
  const signatures: Signature[] = [];
  for (const line of lines) {
    const signature = readSignature(line);
    if (signature === undefined) return err(`a signature line is malformed; the form is "${DASH} <name> <base64>"`);
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
  /** names of the verifiers that signed the note, each once */
  readonly signedBy: string[];
  /** all signatures of the note, including those by unknown keys */
  readonly signatures: Signature[];
}

/**
 * Opens a note that at least one of the verifiers signed. Ignores signatures by unknown keys, including keys that share
 * either the name or the key id with a known one. An invalid signature by a known key invalidates the note. The caller
 * decides which of the verifiers must have signed (`signedBy`).
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
      return err(`two of the known keys are ${name}+${keyId.toString('hex')}, so the signer is ambiguous`);
    if (!known[0]?.verify(text, signature)) return err(`the signature by ${name} is not valid`);
    signedBy.add(name);
  }
  return signedBy.size > 0
    ? ok({ text, signedBy: [...signedBy], signatures })
    : err('none of the known keys signed the note');
}
