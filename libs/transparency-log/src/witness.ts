import { parseCheckpoint, type Checkpoint } from './checkpoint';
import { openNote, readNote } from './note';
import { parseSubmission, type Held, type KnownLog } from './submission';
import { verifyConsistency } from './verify-proof';

/** The response of a witness, as an HTTP status. For 200 the caller must store the checkpoint before it responds. */
export type Judgement =
  | { readonly status: 200; readonly checkpoint: Checkpoint; readonly text: string; readonly old: bigint }
  /** the size of the held tree */
  | { readonly status: 409; readonly size: bigint; readonly detail: string }
  | { readonly status: 400 | 403 | 404 | 422; readonly detail: string };

/**
 * Judges a checkpoint that was submitted for a cosignature. Depends only on its arguments: the caller stores an accepted
 * checkpoint only if `held` is still current, and cosigns only stored checkpoints.
 * @param held returns the newest cosigned checkpoint of a log, or undefined
 * @see https://c2sp.org/tlog-witness
 */
export function judge(
  submission: string,
  logs: ReadonlyMap<string, KnownLog>,
  held: (origin: string) => Held | undefined,
): Judgement {
  const read = parseSubmission(submission);
  if (!read.ok) return { status: 400, detail: `the submission is malformed: ${read.error}` };
  const { old, proof, signedCheckpoint } = read.value;
  const unopened = readNote(signedCheckpoint);
  if (!unopened.ok) return { status: 400, detail: unopened.error };
  const parsed = parseCheckpoint(unopened.value.text);
  if (!parsed.ok) return { status: 400, detail: parsed.error };
  const { origin, size, root } = parsed.value;
  const log = logs.get(origin);
  if (!log) return { status: 404, detail: `this witness does not know the log ${origin.slice(0, 200)}` };
  const opened = openNote(signedCheckpoint, log.keys);
  if (!opened.ok) return { status: 403, detail: opened.error };
  if (old > size)
    return { status: 400, detail: `the proof starts at ${old} leaves, beyond the ${size} of the checkpoint` };
  const known = held(origin) ?? { size: 0n, root: root.subarray(0, 0) };
  if (old !== known.size)
    return { status: 409, size: known.size, detail: `the newest checkpoint of this witness has ${known.size} leaves` };
  if (old === 0n) {
    // there is no earlier checkpoint to compare the first one with
    if (proof.length > 0) return { status: 422, detail: 'from an empty tree the proof must be empty' };
  } else {
    const verdict = verifyConsistency(old, size, proof, known.root, root);
    if (!verdict.ok && old === size && proof.length === 0)
      return { status: 409, size: known.size, detail: verdict.error };
    if (!verdict.ok) return { status: 422, detail: verdict.error };
  }
  return { status: 200, checkpoint: parsed.value, text: opened.value.text, old };
}

/** Returns the origin line of a submission, if it can be read, to look up the state of that log. */
export function originOf(submission: string): string | undefined {
  const read = parseSubmission(submission);
  const note = read.ok ? readNote(read.value.signedCheckpoint) : read;
  const checkpoint = note.ok ? parseCheckpoint(note.value.text) : note;
  return checkpoint.ok ? checkpoint.value.origin : undefined;
}
