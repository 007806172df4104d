import { err, ok, type Result } from '@bailiwick/core/result';
import { HASH_BYTES } from './hash';
import { openNote, signNote, type Signature, type Signer, type Verifier } from './note';
import { fromBase64, fromDecimal, isNoteText } from './text';

/** A tree head: the text inside a signed note. @see https://c2sp.org/tlog-checkpoint */
export interface Checkpoint {
  /** which log */
  readonly origin: string;
  /** leaves */
  readonly size: bigint;
  readonly root: Buffer;
  /** lines that the specification leaves open and advises against; kept, since they are signed, and not understood */
  readonly extensions?: readonly string[];
}

/** @throws Error for what would not read back as it was */
export function checkpointText({ origin, size, root, extensions = [] }: Checkpoint): string {
  const text = [origin, String(size), root.toString('base64'), ...extensions, ''].join('\n');
  const read = parseCheckpoint(text);
  if (!read.ok) throw new Error(read.error);
  if (read.value.origin !== origin || read.value.extensions?.length !== extensions.length) {
    throw new Error('the origin and the extensions of a checkpoint are one line each');
  }
  return text;
}

/** Reads the text of an opened note. By itself it shows nothing: see `openCheckpoint`. */
export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) {
    return err('a checkpoint has an origin, a size and a root, each in a line, and no empty line');
  }
  if (!isNoteText(text)) return err('the checkpoint has a control character, or a half surrogate pair');
  const [origin, decimal, encoded, ...extensions] = lines as [string, string, string, ...string[]];
  const size = fromDecimal(decimal);
  if (size === undefined) return err('the size of the checkpoint is no decimal number below 2^64');
  const root = fromBase64(encoded);
  if (root?.length !== HASH_BYTES) return err('the root of the checkpoint is no SHA-256 in base64');
  return ok({ origin, size, root, extensions });
}

/** A log must never sign two checkpoints that are not consistent: only its one writer may call this. */
export const signCheckpoint = (checkpoint: Checkpoint, signers: readonly Signer[]): string =>
  signNote(checkpointText(checkpoint), signers);

export interface Witnesses {
  readonly keys: readonly Verifier[];
  /** how many of the keys must have cosigned */
  readonly quorum: number;
}

export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** names of the witnesses whose cosignature it bears */
  readonly witnessedBy: string[];
  readonly signatures: Signature[];
}

/**
 * The checkpoint inside a note, if the log signed it and enough witnesses did. The log's key is named as its origin, so
 * a key vouches for the one log of its name.
 * Does not show that it is the newest, nor that it is consistent with an earlier one (`verifyConsistency`).
 */
export function openCheckpoint(note: string, log: Verifier, witnesses?: Witnesses): Result<OpenedCheckpoint, string> {
  const opened = openNote(note, [log, ...(witnesses?.keys ?? [])]);
  if (!opened.ok) return opened;
  const { text, signedBy, signatures } = opened.value;
  // A witness alone is no log: without this, anything a witness signed would pass for a checkpoint of the log.
  if (!signatures.some(({ name, keyId }) => name === log.name && keyId.equals(log.keyId))) {
    return err(`the checkpoint is not signed by ${log.name}`);
  }
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) return checkpoint;
  if (checkpoint.value.origin !== log.name)
    return err(`the checkpoint is of ${checkpoint.value.origin}, the key of ${log.name}`);
  const names = new Set(witnesses?.keys.map(({ name }) => name));
  names.delete(log.name); // a log is no witness of itself
  const witnessedBy = signedBy.filter((name) => names.has(name));
  const quorum = witnesses?.quorum ?? 0;
  if (witnessedBy.length < quorum)
    return err(`${witnessedBy.length} of the known witnesses cosigned; ${quorum} must have`);
  return ok({ checkpoint: checkpoint.value, witnessedBy, signatures });
}
