import { err, ok, type Result } from '@bailiwick/core/result';
import { openCheckpoint, type Checkpoint, type Witnesses } from './checkpoint';
import { HASH_BYTES } from './hash';
import { NOTE_LENGTH_MOST, type Verifier } from './note';
import { fromBase64, fromDecimal } from './text';
import { verifyInclusion } from './verify-proof';

// A proof in a file: index, hashes, and the signed checkpoint that they lead to.
// @see https://c2sp.org/tlog-proof

const HEAD = 'c2sp.org/tlog-proof@v1';
/** the longest path in a tree of 2^64 leaves */
const HASHES_MOST = 64;
/** UTF-16 units of the line of extra data */
const EXTRA_MOST = 100_000;

/** @throws Error if the text would not parse back to the same values */
export function proofText(
  index: number | bigint,
  hashes: readonly Buffer[],
  signedCheckpoint: string,
  extra?: Uint8Array,
): string {
  const lines = [HEAD];
  if (extra !== undefined) lines.push(`extra ${Buffer.from(extra).toString('base64')}`);
  lines.push(`index ${index}`, ...hashes.map((hash) => hash.toString('base64')), '', signedCheckpoint);
  const text = lines.join('\n');
  const read = parseProof(text);
  if (!read.ok) throw new Error(read.error);
  return text;
}

export interface ParsedProof {
  readonly index: bigint;
  readonly hashes: Buffer[];
  readonly signedCheckpoint: string;
  /** opaque and not authenticated */
  readonly extra?: Buffer;
}

/** Parses a proof without verifying it. */
export function parseProof(text: string): Result<ParsedProof, string> {
  if (text.length > NOTE_LENGTH_MOST + EXTRA_MOST) return err('the proof is too long');
  const at = text.indexOf('\n\n');
  if (at < 0) return err('the proof has no checkpoint');
  const [head, ...lines] = text.slice(0, at).split('\n');
  if (head !== HEAD) return err(`the proof does not start with ${HEAD}`);
  let extra: Buffer | undefined;
  if (lines[0]?.startsWith('extra ')) {
    const line = lines.shift() as string;
    extra = line.length > EXTRA_MOST ? undefined : fromBase64(line.slice('extra '.length));
    if (extra === undefined) return err('the extra data of the proof is too long, or not canonical base64');
  }
  const first = lines.shift() ?? '';
  const index = first.startsWith('index ') ? fromDecimal(first.slice('index '.length)) : undefined;
  if (index === undefined) return err('the proof has no index that is a decimal number below 2^64');
  if (lines.length > HASHES_MOST) return err(`the proof has more than ${HASHES_MOST} hashes`);
  const hashes: Buffer[] = [];
  for (const line of lines) {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) return err('a hash of the proof is not a SHA-256 in canonical base64');
    hashes.push(hash);
  }
  return ok({ index, hashes, signedCheckpoint: text.slice(at + 2), ...(extra && { extra }) });
}

export interface Proved {
  readonly index: bigint;
  readonly checkpoint: Checkpoint;
  readonly witnessedBy: string[];
}

/**
 * Verifies that a leaf is in the log of the verifier's key. Returns the index and the checkpoint.
 * @param leaf the leaf hash, which the caller computes from the entry; a proof does not contain it
 * @param witnesses set if some witnesses must have cosigned the checkpoint
 */
export function verifyProof(
  text: string,
  leaf: Uint8Array,
  log: Verifier,
  witnesses?: Witnesses,
): Result<Proved, string> {
  const proof = parseProof(text);
  if (!proof.ok) return proof;
  const { index, hashes, signedCheckpoint } = proof.value;
  const opened = openCheckpoint(signedCheckpoint, log, witnesses);
  if (!opened.ok) return opened;
  const { checkpoint, witnessedBy } = opened.value;
  const included = verifyInclusion(leaf, index, checkpoint.size, hashes, checkpoint.root);
  return included.ok ? ok({ index, checkpoint, witnessedBy }) : included;
}
