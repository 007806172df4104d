import { HASH_BYTES, emptyRoot, nodeHash } from './hash';

/**
 * Names a complete subtree: node (level, index) stands over the leaves [index · 2^level, (index + 1) · 2^level). Once
 * those leaves exist its hash never changes, so a store can keep it for ever by this key. Level 0 is the leaves.
 */
export interface Node {
  readonly level: number;
  readonly index: number;
}
export interface StoredNode extends Node {
  readonly hash: Buffer;
}

/**
 * Gives the stored hash of a complete subtree, or undefined where it has none. Reading is synchronous: a shell fetches
 * beforehand what the `nodesFor…` functions name.
 */
export type ReadNode = (level: number, index: number) => Buffer | undefined;

/** Leaves from `start` up to, not including, `end`. */
export type Range = readonly [start: number, end: number];

/**
 * The complete subtrees that a range of leaves is made of, left to right: the largest that fit. `start` must be where a
 * subtree of the tree begins, as it is for every range that proofs ask for.
 */
export function cover(start: number, end: number): Node[] {
  const nodes: Node[] = [];
  let at = start;
  while (at < end) {
    let level = 0;
    let width = 1; // doubled, not shifted: sizes go up to 2^53
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** The stored nodes that ranges will read, so that a store can fetch them all at once. */
export const nodesFor = (ranges: readonly Range[]): Node[] => ranges.flatMap(([start, end]) => cover(start, end));

/** What `rootHash(size)` reads, left to right. Their hashes are the frontier: all that an append needs of a tree. */
export function nodesForRoot(size: number): Node[] {
  checkSize(size);
  return cover(0, size);
}

/** Hash of a range: its complete subtrees folded from the right (RFC 6962 §2.1: the left part is the full one). */
export function rangeHash(start: number, end: number, read: ReadNode): Buffer {
  return fold(cover(start, end).map((node) => readNode(read, node)));
}

/**
 * The root of the first `size` leaves.
 * @throws Error when the reader lacks a node, or has one that is not 32 bytes; RangeError when `size` counts nothing
 * @see RFC 6962 §2.1
 */
export const rootHash = (size: number, read: ReadNode): Buffer => rootOfFrontier(frontierOf(size, read));

/** The hashes of `nodesForRoot(size)`, in that order. @throws as `rootHash` does */
export const frontierOf = (size: number, read: ReadNode): Buffer[] =>
  nodesForRoot(size).map((node) => readNode(read, node));

/** The root over a frontier: hashes in the order of `nodesForRoot`. */
export const rootOfFrontier = (frontier: readonly Buffer[]): Buffer =>
  frontier.length === 0 ? emptyRoot() : fold(frontier);

const fold = (hashes: readonly Buffer[]): Buffer => hashes.reduceRight((right, left) => nodeHash(left, right));

export interface Grown {
  /** leaves after the append */
  readonly size: number;
  /** what to store: every new leaf, and every subtree that these leaves complete; a child always before its parent */
  readonly newNodes: StoredNode[];
  /** the frontier of the tree of `size` leaves */
  readonly frontier: Buffer[];
}

/**
 * Appends leaves to a tree known only by its size and frontier: reads nothing, and costs two hashes a leaf at most,
 * whatever the tree's size. Storing the same nodes twice does no harm, since the hash at a place follows from the
 * leaves alone: a shell that dies between storing nodes and storing the size appends the same leaves again.
 * @param size leaves before
 * @param frontier hashes of `nodesForRoot(size)`, in that order
 * @param leaves leaf hashes, in the order of the log
 */
export function growTree(size: number, frontier: readonly Buffer[], leaves: readonly Buffer[]): Grown {
  const edge: StoredNode[] = edgeOf(size, frontier);
  checkSize(size + leaves.length);
  const newNodes: StoredNode[] = [];
  leaves.forEach((leaf, i) => {
    let node: StoredNode = { level: 0, index: size + i, hash: checked(leaf, `leaf ${size + i}`) };
    newNodes.push(node);
    while (node.index % 2 === 1) {
      // A right child completes its parent; its left sibling is the last of the edge.
      const left = edge.pop() as StoredNode;
      node = { level: node.level + 1, index: left.index / 2, hash: nodeHash(left.hash, node.hash) };
      newNodes.push(node);
    }
    edge.push(node);
  });
  return { size: size + leaves.length, newNodes, frontier: edge.map(({ hash }) => hash) };
}

function edgeOf(size: number, frontier: readonly Buffer[]): StoredNode[] {
  const nodes = nodesForRoot(size);
  if (nodes.length !== frontier.length) {
    throw new Error(`a tree of ${size} leaves has a frontier of ${nodes.length} hashes, not ${frontier.length}`);
  }
  return nodes.map((node, i) => ({ ...node, hash: checked(frontier[i] as Buffer, `frontier hash ${i}`) }));
}

function readNode(read: ReadNode, { level, index }: Node): Buffer {
  const hash = read(level, index);
  if (hash === undefined) {
    throw new Error(
      `the tree has no node at level ${level}, index ${index}: fetch what nodesForRoot, nodesForInclusion or ` +
        'nodesForConsistency name before reading; if that was done, fewer nodes are stored than the size says',
    );
  }
  return checked(hash, `the node at level ${level}, index ${index}`);
}

function checked(hash: Buffer, what: string): Buffer {
  if (hash.length !== HASH_BYTES) throw new Error(`${what} has ${hash.length} bytes; a hash has ${HASH_BYTES}`);
  return hash;
}

/** @throws RangeError unless it counts leaves: a whole number, 0 ≤ size < 2^53 */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new RangeError(`no tree has ${size} leaves: want a whole number, 0 ≤ size < 2^53`);
}

// --- proofs: the hashes of some ranges of leaves. Which ranges follows from index and sizes alone, so that one list
// tells a shell what to fetch and the prover what to hash.

/** The largest power of two smaller than n, for n ≥ 2. @see RFC 6962 §2.1 */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The sibling ranges on the way from a leaf up to the root, lowest first. @see RFC 6962 §2.1.1 PATH */
export function inclusionRanges(index: number, size: number): Range[] {
  checkSize(size);
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size))
    throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  return ranges.reverse();
}

/** From an empty tree there is nothing to prove, so `first` is at least 1. @see RFC 6962 §2.1.2 PROOF */
export function consistencyRanges(first: number, second: number): Range[] {
  checkSize(first);
  checkSize(second);
  if (!(first > 0 && first <= second))
    throw new RangeError(`no consistency proof from ${first} to ${second}: want 1 ≤ first ≤ second`);
  const ranges: Range[] = [];
  let [start, end] = [0, second];
  while (first < end) {
    const middle = start + split(end - start);
    if (first <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  // Having stayed at the left edge, what is left is the first tree itself, whose root the verifier holds already.
  if (start > 0) ranges.push([start, end]);
  return ranges.reverse();
}

/** The nodes that `inclusionProof(index, size)` reads. */
export const nodesForInclusion = (index: number, size: number): Node[] => nodesFor(inclusionRanges(index, size));

/** The nodes that `consistencyProof(first, second)` reads. */
export const nodesForConsistency = (first: number, second: number): Node[] =>
  nodesFor(consistencyRanges(first, second));

/** Sibling hashes from the leaf up to below the root. @throws RangeError unless index < size */
export const inclusionProof = (index: number, size: number, read: ReadNode): Buffer[] =>
  inclusionRanges(index, size).map(([start, end]) => rangeHash(start, end, read));

/** Shows that the first tree is a prefix of the second; empty for equal sizes. @throws RangeError unless 1 ≤ first ≤ second */
export const consistencyProof = (first: number, second: number, read: ReadNode): Buffer[] =>
  consistencyRanges(first, second).map(([start, end]) => rangeHash(start, end, read));
