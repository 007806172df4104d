import { createHash } from 'node:crypto';
import { leafHash } from '../hash';
import { growTree, type ReadNode } from '../merkle-tree';

// RFC 6962 §2.1 word for word, recursive and slow. Tests compare the real tree with it; they share no code.

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

function split(n: number): number {
  let k = 1;
  while (2 * k < n) k = 2 * k;
  return k;
}

/** MTH(D[n]), over entries. */
export function naiveRoot(entries: readonly Uint8Array[]): Buffer {
  const n = entries.length;
  if (n === 0) return sha256();
  if (n === 1) return sha256(Buffer.of(0), entries[0] as Uint8Array);
  const k = split(n);
  return sha256(Buffer.of(1), naiveRoot(entries.slice(0, k)), naiveRoot(entries.slice(k)));
}

/** PATH(m, D[n]). */
export function naivePath(m: number, entries: readonly Uint8Array[]): Buffer[] {
  const n = entries.length;
  if (n === 1) return [];
  const k = split(n);
  if (m < k) return [...naivePath(m, entries.slice(0, k)), naiveRoot(entries.slice(k))];
  return [...naivePath(m - k, entries.slice(k)), naiveRoot(entries.slice(0, k))];
}

/** PROOF(m, D[n]). */
export const naiveProof = (m: number, entries: readonly Uint8Array[]): Buffer[] => subproof(m, entries, true);

function subproof(m: number, entries: readonly Uint8Array[], known: boolean): Buffer[] {
  const n = entries.length;
  if (m === n) return known ? [] : [naiveRoot(entries)];
  const k = split(n);
  if (m <= k) return [...subproof(m, entries.slice(0, k), known), naiveRoot(entries.slice(k))];
  return [...subproof(m - k, entries.slice(k), false), naiveRoot(entries.slice(0, k))];
}

/** Returns log entries: the hashes of some bodies. */
export const someEntries = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => sha256(Buffer.from(`event ${i}`)));

/** Grows a real tree by batches of these sizes and returns the stored nodes. */
export function grown(entries: readonly Uint8Array[], batches: readonly number[] = [entries.length]) {
  const nodes = new Map<string, Buffer>();
  let size = 0;
  let frontier: Buffer[] = [];
  for (const count of batches) {
    const step = growTree(size, frontier, entries.slice(size, size + count).map(leafHash));
    for (const node of step.newNodes) nodes.set(`${node.level}/${node.index}`, node.hash);
    size = step.size;
    frontier = step.frontier;
  }
  const read: ReadNode = (level, index) => nodes.get(`${level}/${index}`);
  return { size, frontier, nodes, read };
}
