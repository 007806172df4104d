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
  /** extension lines, which the specification discourages; kept because they are signed, but not interpreted */
  readonly extensions?: readonly string[];
}

/** @throws Error if the text would not parse back to the same values */
export function checkpointText({ origin, size, root, extensions = [] }: Checkpoint): string {
  const text = [origin, String(size), root.toString('base64'), ...extensions, ''].join('\n');
  const read = parseCheckpoint(text);
  if (!read.ok) throw new Error(read.error);
  if (read.value.origin !== origin || read.value.extensions?.length !== extensions.length) {
    throw new Error('the origin and each extension of a checkpoint must be one line');
  }
  return text;
}

/** Parses the text of an opened note without verifying it; see `openCheckpoint`. */
export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) {
    return err('a checkpoint has an origin, a size and a root, one per line, and no empty line');
  }
  if (!isNoteText(text)) return err('the checkpoint contains a control character or half a surrogate pair');
  const [origin, decimal, encoded, ...extensions] = lines as [string, string, string, ...string[]];
  const size = fromDecimal(decimal);
  if (size === undefined) return err('the size of the checkpoint is not a decimal number below 2^64');
  const root = fromBase64(encoded);
  if (root?.length !== HASH_BYTES) return err('the root of the checkpoint is not a SHA-256 in base64');
  return ok({ origin, size, root, extensions });
}

/** Signs a checkpoint. Only the writer of the log may call this, since a log must never sign inconsistent checkpoints. */
export const signCheckpoint = (checkpoint: Checkpoint, signers: readonly Signer[]): string =>
  signNote(checkpointText(checkpoint), signers);

export interface Witnesses {
  readonly keys: readonly Verifier[];
  /** how many of the keys must have cosigned */
  readonly quorum: number;
}

export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** names of the witnesses that cosigned it */
  readonly witnessedBy: string[];
  readonly signatures: Signature[];
}

/**
 * Opens a note that the log and enough witnesses signed, and returns the checkpoint. The name of the log's key is its
 * origin, so a key is valid for the log of its name only.
 * Does not verify that it is the newest checkpoint, or consistent with an earlier one (`verifyConsistency`).
 */
export function openCheckpoint(note: string, log: Verifier, witnesses?: Witnesses): Result<OpenedCheckpoint, string> {
  const opened = openNote(note, [log, ...(witnesses?.keys ?? [])]);
  if (!opened.ok) return opened;
  const { text, signedBy, signatures } = opened.value;
  // Without this check, any text that a witness signed would be accepted as a checkpoint of the log.
  if (!signatures.some(({ name, keyId }) => name === log.name && keyId.equals(log.keyId))) {
    return err(`the checkpoint is not signed by ${log.name}`);
  }
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) return checkpoint;
  if (checkpoint.value.origin !== log.name)
    return err(`the checkpoint belongs to ${checkpoint.value.origin}, but the key to ${log.name}`);
  const names = new Set(witnesses?.keys.map(({ name }) => name));
  names.delete(log.name); // a log cannot witness itself
  const witnessedBy = signedBy.filter((name) => names.has(name));
  const quorum = witnesses?.quorum ?? 0;
  if (witnessedBy.length < quorum)
    return err(`${witnessedBy.length} of the known witnesses cosigned; ${quorum} are required`);
  return ok({ checkpoint: checkpoint.value, witnessedBy, signatures });
}
