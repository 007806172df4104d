import { err, ok, type Result } from '@bailiwick/core/result';
import { HASH_BYTES } from './hash';
import { NOTE_LENGTH_MOST, openNote, type Verifier } from './note';
import { parseCheckpoint, type Checkpoint } from './checkpoint';
import { fromBase64, fromDecimal } from './text';
import { verifyConsistency } from './verify-proof';

// A signed checkpoint with a consistency proof from an earlier one, in one text. A log sends it to its witnesses and to
// clients that hold an earlier checkpoint. @see https://c2sp.org/tlog-witness

/** the longest proof in a tree of 2^64 leaves */
const HASHES_MOST = 63;

export interface Submission {
  /** leaves of the earlier tree; 0, with an empty proof, if none is known */
  readonly old: bigint;
  readonly proof: readonly Buffer[];
  /** the later checkpoint, signed */
  readonly signedCheckpoint: string;
}

/** @throws Error if the text would not parse back to the same values */
export function submissionText(old: number | bigint, proof: readonly Buffer[], signedCheckpoint: string): string {
  const text = [`old ${old}`, ...proof.map((hash) => hash.toString('base64')), '', signedCheckpoint].join('\n');
  const read = parseSubmission(text);
  if (!read.ok) throw new Error(read.error);
  return text;
}

/** Parses a submission without verifying it. */
export function parseSubmission(text: string): Result<Submission, string> {
  if (text.length > NOTE_LENGTH_MOST) return err('it is too long');
  const at = text.indexOf('\n\n');
  if (at < 0) return err('it has no empty line before its checkpoint');
  const [head = '', ...lines] = text.slice(0, at).split('\n');
  const old = head.startsWith('old ') ? fromDecimal(head.slice('old '.length)) : undefined;
  if (old === undefined) return err('the first line is not "old" and a decimal number below 2^64');
  if (lines.length > HASHES_MOST) return err(`its proof has more than ${HASHES_MOST} hashes`);
  const proof: Buffer[] = [];
  for (const line of lines) {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) return err('a line of its proof is not a SHA-256 in canonical base64');
    proof.push(hash);
  }
  return ok({ old, proof, signedCheckpoint: text.slice(at + 2) });
}

/** A log as its clients know it: its origin, and the keys that may sign for it (several after a rotation). */
export interface KnownLog {
  readonly origin: string;
  readonly keys: readonly Verifier[];
}

/** A tree head that was verified before. */
export interface Held {
  readonly size: bigint;
  readonly root: Buffer;
}

/**
 * Verifies that a checkpoint belongs to this log, is signed by it, and continues the held tree (I12).
 * @returns the later checkpoint
 */
export function openSubmission(text: string, log: KnownLog, held: Held): Result<Checkpoint, string> {
  const read = parseSubmission(text);
  if (!read.ok) return read;
  const { old, proof, signedCheckpoint } = read.value;
  const opened = openNote(signedCheckpoint, log.keys);
  if (!opened.ok) return opened;
  const parsed = parseCheckpoint(opened.value.text);
  if (!parsed.ok) return parsed;
  const { origin, size, root } = parsed.value;
  if (origin !== log.origin) return err(`the checkpoint belongs to ${origin}, not to ${log.origin}`);
  if (old !== held.size) return err(`the proof starts at ${old} leaves, but the held tree has ${held.size}`);
  const verdict = verifyConsistency(held.size, size, proof, held.root, root);
  return verdict.ok ? parsed : verdict;
}
