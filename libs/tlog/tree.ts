import { emptyRoot, nodeHash } from './hash';

/** A complete subtree: 2^level leaves, the `index`-th such from the left. Once there, it never changes. */
export interface Node {
  readonly level: number;
  readonly index: number;
}
export interface StoredNode extends Node {
  readonly hash: Buffer;
}
export type ReadNode = (level: number, index: number) => Buffer;

/**
 * The complete subtrees that a range of leaves [start, end) is made of, left to right: the largest that fit. `start`
 * must be where a subtree of the tree begins, as it is for every range that proofs ask for.
 */
export function cover(start: number, end: number): Node[] {
  const nodes: Node[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** Hash of the range: its complete subtrees folded from the right (RFC 6962 §2.1: the left part is the full one). */
export function rangeHash(start: number, end: number, read: ReadNode): Buffer {
  const hashes = cover(start, end).map(({ level, index }) => read(level, index));
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

export const rootHash = (size: number, read: ReadNode): Buffer => (size === 0 ? emptyRoot() : rangeHash(0, size, read));

/** The largest power of two smaller than n. @see RFC 6962 §2.1 */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

type Range = readonly [start: number, end: number];

/** The sibling ranges on the way from a leaf up to the root, lowest first. @see RFC 6962 §2.1.1 PATH */
export function inclusionRanges(index: number, size: number): Range[] {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size)) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      ranges.unshift([middle, end]);
      end = middle;
    } else {
      ranges.unshift([start, middle]);
      start = middle;
    }
  }
  return ranges;
}

/** @see RFC 6962 §2.1.2 PROOF */
export function consistencyRanges(first: number, second: number): Range[] {
  if (!(first > 0 && first <= second)) throw new RangeError(`no consistency proof from ${first} to ${second}`);
  const walk = (m: number, start: number, end: number, whole: boolean): Range[] => {
    if (m === end - start) return whole ? [] : [[start, end]];
    const k = split(end - start);
    if (m <= k) return [...walk(m, start, start + k, whole), [start + k, end]];
    return [...walk(m - k, start + k, end, false), [start, start + k]];
  };
  return walk(first, 0, second, true);
}

export const inclusionProof = (index: number, size: number, read: ReadNode): Buffer[] =>
  inclusionRanges(index, size).map(([start, end]) => rangeHash(start, end, read));

export const consistencyProof = (first: number, second: number, read: ReadNode): Buffer[] =>
  consistencyRanges(first, second).map(([start, end]) => rangeHash(start, end, read));

/** The stored nodes that a proof or root will read, so that a store can fetch them all at once. */
export const nodesFor = (ranges: readonly Range[]): Node[] => ranges.flatMap(([start, end]) => cover(start, end));

/**
 * The nodes that appending leaves makes: the leaves, and every subtree they complete.
 * @param read hashes of the tree before, needed only for `cover(0, size)`
 */
export function appendLeaves(size: number, leaves: readonly Buffer[], read: ReadNode): StoredNode[] {
  const edge = cover(0, size).map(({ level, index }) => ({ level, index, hash: read(level, index) }));
  const made: StoredNode[] = [];
  leaves.forEach((hash, i) => {
    let node: StoredNode = { level: 0, index: size + i, hash };
    made.push(node);
    for (let left = edge[edge.length - 1]; left?.level === node.level; left = edge[edge.length - 1]) {
      edge.pop();
      node = { level: node.level + 1, index: Math.floor(node.index / 2), hash: nodeHash(left.hash, node.hash) };
      made.push(node);
    }
    edge.push(node);
  });
  return made;
}
