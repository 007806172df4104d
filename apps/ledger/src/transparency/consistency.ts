import { submissionText } from '@bailiwick/transparency-log/submission';
import { consistencyProof, nodesForConsistency } from '@bailiwick/transparency-log/merkle-tree';
import type { SignedHead } from './heads.repository';
import type { LedgerStore } from '../read-models/store';

/**
 * Returns a signed head with the proof that its tree extends the tree of `from` leaves, in the format that witnesses
 * accept. From 0 the proof is empty.
 * @param from at most the size of the head
 */
export async function continuing(
  store: Pick<LedgerStore, 'nodes'>,
  log: string,
  from: number,
  { size, note }: SignedHead,
): Promise<string> {
  if (from === 0) return submissionText(0, [], note);
  const read = await store.nodes(log, nodesForConsistency(from, size));
  return submissionText(from, consistencyProof(from, size, read), note);
}
