import { err, ok, type Result } from '#kernel/result';
import { parseCheckpoint, type Checkpoint } from './checkpoint';
import { openNote, type Verifier } from './note';
import { verifyInclusion } from './verify';

const HEAD = 'c2sp.org/tlog-proof@v1';

/** A proof that can be kept in a file: index, hashes, and the signed checkpoint they lead to. @see https://c2sp.org/tlog-proof */
export function proofText(index: number | bigint, hashes: readonly Buffer[], signedCheckpoint: string): string {
  return [HEAD, `index ${index}`, ...hashes.map((hash) => hash.toString('base64')), '', signedCheckpoint].join('\n');
}

export interface ParsedProof {
  readonly index: bigint;
  readonly hashes: Buffer[];
  readonly signedCheckpoint: string;
}

export function parseProof(text: string): Result<ParsedProof, string> {
  const at = text.indexOf('\n\n');
  if (at < 0) return err('the proof has no checkpoint');
  const [head, ...lines] = text.slice(0, at).split('\n');
  if (head !== HEAD) return err(`the proof does not begin with ${HEAD}`);
  if (lines[0]?.startsWith('extra ')) lines.shift();
  const index = /^index (0|[1-9]\d{0,19})$/.exec(lines.shift() ?? '');
  if (!index) return err('the proof names no index');
  const hashes = lines.map((line) => ({ line, bytes: Buffer.from(line, 'base64') }));
  if (hashes.length > 64 || hashes.some(({ line, bytes }) => bytes.length !== 32 || bytes.toString('base64') !== line)) return err('a hash of the proof is malformed');
  return ok({ index: BigInt(index[1] as string), hashes: hashes.map(({ bytes }) => bytes), signedCheckpoint: text.slice(at + 2) });
}

/** Is this leaf in the log of the verifier's key? Answers the index, and the checkpoint that says so. */
export function verifyProof(text: string, leaf: Uint8Array, verifier: Verifier): Result<{ index: bigint; checkpoint: Checkpoint }, string> {
  const proof = parseProof(text);
  if (!proof.ok) return proof;
  const note = openNote(proof.value.signedCheckpoint, [verifier]);
  if (!note.ok) return note;
  const checkpoint = parseCheckpoint(note.value.text);
  if (!checkpoint.ok) return checkpoint;
  if (checkpoint.value.origin !== verifier.name) return err(`the checkpoint is of ${checkpoint.value.origin}, the key of ${verifier.name}`);
  const { index, hashes } = proof.value;
  const included = verifyInclusion({ index, size: checkpoint.value.size, leafHash: leaf, proof: hashes, root: checkpoint.value.root });
  return included.ok ? ok({ index, checkpoint: checkpoint.value }) : err(included.error);
}
