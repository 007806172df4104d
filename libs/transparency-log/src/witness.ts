import { parseCheckpoint, type Checkpoint } from './checkpoint';
import { openNote, readNote } from './note';
import { parseSubmission, type Held, type KnownLog } from './submission';
import { verifyConsistency } from './verify';

/** What a witness answers, as HTTP statuses; at 200 it has still to keep the checkpoint before it says so. */
export type Judgement =
  | { readonly status: 200; readonly checkpoint: Checkpoint; readonly text: string; readonly old: bigint }
  /** what it holds is of this size */
  | { readonly status: 409; readonly size: bigint; readonly detail: string }
  | { readonly status: 400 | 403 | 404 | 422; readonly detail: string };

/**
 * Judges a checkpoint that was sent to be cosigned. Reads nothing but its arguments; the caller keeps what was accepted
 * only if `held` is still what it held, and cosigns only what it has kept.
 * @param held the newest checkpoint that was cosigned of a log, undefined where there was none
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
  if (!log) return { status: 404, detail: `the log ${origin.slice(0, 200)} is not one that this witness knows` };
  const opened = openNote(signedCheckpoint, log.keys);
  if (!opened.ok) return { status: 403, detail: opened.error };
  if (old > size) return { status: 400, detail: `the proof begins at ${old} leaves, beyond the checkpoint's ${size}` };
  const known = held(origin) ?? { size: 0n, root: root.subarray(0, 0) };
  if (old !== known.size)
    return { status: 409, size: known.size, detail: `the newest checkpoint here has ${known.size} leaves` };
  if (old === 0n) {
    // a first checkpoint continues nothing: it is believed
    if (proof.length > 0) return { status: 422, detail: 'from an empty tree the proof must be empty' };
  } else {
    const verdict = verifyConsistency(old, size, proof, known.root, root);
    if (!verdict.ok && old === size && proof.length === 0)
      return { status: 409, size: known.size, detail: verdict.error };
    if (!verdict.ok) return { status: 422, detail: verdict.error };
  }
  return { status: 200, checkpoint: parsed.value, text: opened.value.text, old };
}

/** The origin line of what was sent, where it can be read: which log's state must be looked up. */
export function originOf(submission: string): string | undefined {
  const read = parseSubmission(submission);
  const note = read.ok ? readNote(read.value.signedCheckpoint) : read;
  const checkpoint = note.ok ? parseCheckpoint(note.value.text) : note;
  return checkpoint.ok ? checkpoint.value.origin : undefined;
}
