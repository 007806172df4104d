import { concat, hex, utf8, type Crypto } from './crypto';
import { need } from './failed';

// Reads C2SP signed notes, verifier keys and checkpoints. Shares no code with the writer (`libs/transparency-log`), so
// that a bug there is detected here.
// @see https://c2sp.org/signed-note https://c2sp.org/tlog-checkpoint https://c2sp.org/tlog-cosignature

/** Signature types; part of a key id. */
const LOG = 0x01;
const COSIGNATURE = 0x04;

/** A public key with the name it signs under. */
export interface NoteKey {
  readonly name: string;
  /** eight hex digits */
  readonly id: string;
  readonly verify: (message: Uint8Array, signature: Uint8Array) => boolean;
}

/** Reads `<name>+<id>+<base64 of type and key>`. @throws Failed for any other spelling */
function readKey(crypto: Crypto, vkey: string, type: number): NoteKey {
  const match = /^([^+\p{White_Space}\p{Cc}\p{Surrogate}]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(vkey);
  const [, name = '', id = '', encoded = ''] = match ?? [];
  need(match !== null, 'a verifier key has the form <name>+<8 lower-case hex digits>+<base64>');
  const bytes = crypto.fromBase64(encoded);
  if (bytes?.length !== 33) return need(false, `the verifier key of ${name} is not an Ed25519 key in canonical base64`);
  need(
    bytes[0] === type,
    `the verifier key of ${name} has signature type ${bytes[0]}; the key of a ${type === LOG ? 'log' : 'witness'} has type ${type}`,
  );
  const own = crypto.sha256hex(concat(utf8(`${name}\n`), bytes)).slice(0, 8);
  need(own === id, `the verifier key of ${name} does not match its key id ${id}`);
  return { name, id, verify: crypto.ed25519(bytes.subarray(1)) };
}

/** Splits one or several texts into lines, without empty lines. */
const linesOf = (texts: string | readonly string[]): string[] =>
  [texts].flat().flatMap((text) => text.split(/\r?\n/).filter((line) => line !== ''));

/**
 * Reads the keys of one log, one per line: several after a rotation. All have the log's name.
 * @throws Failed with a readable message
 */
export function readLogKeys(crypto: Crypto, vkeys: string | readonly string[]): [NoteKey, ...NoteKey[]] {
  const [first, ...more] = linesOf(vkeys).map((line) => readKey(crypto, line, LOG));
  if (!first) return need(false, 'no verifier key was given');
  const other = more.find(({ name }) => name !== first.name);
  need(other === undefined, `the keys belong to two logs, ${first.name} and ${other?.name}; give the keys of one log`);
  return [first, ...more];
}

/** @throws Failed with a readable message */
export const readWitnessKeys = (crypto: Crypto, vkeys: readonly string[]): NoteKey[] =>
  linesOf(vkeys).map((line) => readKey(crypto, line, COSIGNATURE));

interface Signature {
  readonly name: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

const NOTE_LENGTH_MOST = 1_000_000;
const SIGNATURES_MOST = 100;
const NOT_NOTE_TEXT = /[\u0000-\u0009\u000b-\u001f\p{Surrogate}]/u;

/** Parses a note without verifying it. */
function readNote(crypto: Crypto, note: string): { text: string; signatures: Signature[] } {
  need(note.length <= NOTE_LENGTH_MOST, 'the checkpoint is too long');
  need(!NOT_NOTE_TEXT.test(note), 'the checkpoint contains a control character or half a surrogate pair');
  const at = note.lastIndexOf('\n\n');
  const lines = note.slice(at + 2).split('\n');
  need(
    at >= 0 && lines.pop() === '' && lines.length > 0,
    'the checkpoint has no signature, or does not end with a line end',
  );
  need(lines.length <= SIGNATURES_MOST, `the checkpoint has more than ${SIGNATURES_MOST} signatures`);
  const signatures = lines.map((line) => {
    const [, name = '', encoded = ''] = /^\u2014 ([^+\p{White_Space}]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
    const bytes = encoded === '' ? undefined : crypto.fromBase64(encoded);
    if (!bytes || bytes.length < 5) return need(false, 'a signature line of the checkpoint is malformed');
    return { name, id: hex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
  });
  return { text: note.slice(0, at + 1), signatures };
}

/** A signed tree head. */
export interface Head {
  readonly size: number;
  /** base64 */
  readonly root: string;
  /** the id of the log's key that signed it */
  readonly keyId: string;
  /** the known witnesses that cosigned it, and the times that they stated */
  readonly witnessedBy: readonly { readonly name: string; readonly time: string }[];
}

/**
 * Opens a note that the log signed with one of its keys and returns the checkpoint. An invalid signature of a known key
 * invalidates the note; signatures of unknown keys are ignored.
 * @throws Failed with a readable message
 */
export function openCheckpoint(
  crypto: Crypto,
  note: string,
  keys: readonly [NoteKey, ...NoteKey[]],
  witnesses: readonly NoteKey[],
): Head {
  const { text, signatures } = readNote(crypto, note);
  const of = (known: readonly NoteKey[], { name, id }: Signature): NoteKey | undefined =>
    known.find((key) => key.name === name && key.id === id);
  let keyId: string | undefined;
  const witnessedBy: { name: string; time: string }[] = [];
  for (const signature of signatures) {
    const key = of(keys, signature);
    if (key) {
      need(
        signature.bytes.length === 64 && key.verify(utf8(text), signature.bytes),
        `the checkpoint's signature by ${key.name} is not valid`,
      );
      keyId ??= key.id;
    }
    const witness = of(witnesses, signature);
    if (witness) witnessedBy.push({ name: witness.name, time: cosigned(witness, text, signature.bytes) });
  }
  const [{ name }] = keys;
  if (keyId === undefined) return need(false, `the checkpoint is not signed by ${name}`);
  const [origin, size = '', root = '', ...rest] = text.split('\n');
  need(rest[rest.length - 1] === '' && !rest.slice(0, -1).includes(''), 'the checkpoint is malformed');
  need(origin === name, `the checkpoint belongs to ${origin}, but the key to ${name}`);
  need(/^(0|[1-9]\d{0,15})$/.test(size) && Number.isSafeInteger(Number(size)), 'the checkpoint has no valid size');
  need(crypto.fromBase64(root)?.length === 32, 'the root of the checkpoint is not a SHA-256 in base64');
  return { size: Number(size), root, keyId, witnessedBy };
}

/** Verifies a cosignature, which covers a time and the text, and returns the time. */
function cosigned(witness: NoteKey, text: string, signature: Uint8Array): string {
  need(signature.length === 72, `the cosignature by ${witness.name} is malformed`);
  let seconds = 0n;
  for (const byte of signature.subarray(0, 8)) seconds = (seconds << 8n) | BigInt(byte);
  need(
    witness.verify(utf8(`cosignature/v1\ntime ${seconds}\n${text}`), signature.subarray(8)),
    `the cosignature by ${witness.name} is not valid`,
  );
  return seconds < 8_640_000_000_000n ? new Date(Number(seconds) * 1_000).toISOString() : `${seconds} s`;
}
