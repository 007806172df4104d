import { HASH_BYTES, emptyRoot, nodeHash } from './hash';

/**
 * Identifies a complete subtree: node (level, index) covers the leaves [index · 2^level, (index + 1) · 2^level). Once
 * those leaves exist, its hash never changes, so a store can use this key indefinitely. Level 0 contains the leaves.
 */
export interface Node {
  readonly level: number;
  readonly index: number;
}
export interface StoredNode extends Node {
  readonly hash: Buffer;
}

/**
 * Returns the stored hash of a complete subtree, or undefined if it is not stored. Reading is synchronous: the caller
 * first fetches the nodes that the `nodesFor…` functions list.
 */
export type ReadNode = (level: number, index: number) => Buffer | undefined;

/** The leaves from `start` (inclusive) to `end` (exclusive). */
export type Range = readonly [start: number, end: number];

/**
 * Splits a range of leaves into the largest complete subtrees, left to right. A subtree of the tree must start at
 * `start`, which holds for every range of a proof.
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

/** Lists the stored nodes that ranges need, so that a store can fetch them at once. */
const nodesFor = (ranges: readonly Range[]): Node[] => ranges.flatMap(([start, end]) => cover(start, end));

/** Lists the nodes that `rootHash(size)` reads, left to right. An append needs only their hashes, the frontier. */
export function nodesForRoot(size: number): Node[] {
  checkSize(size);
  return cover(0, size);
}

/** Hashes a range: folds its complete subtrees from the right (RFC 6962 §2.1: the left part is complete). */
function rangeHash(start: number, end: number, read: ReadNode): Buffer {
  return fold(cover(start, end).map((node) => readNode(read, node)));
}

/**
 * Computes the root of the first `size` leaves.
 * @throws Error if the reader lacks a node or a node is not 32 bytes long; RangeError if `size` is invalid
 * @see RFC 6962 §2.1
 */
export const rootHash = (size: number, read: ReadNode): Buffer => rootOfFrontier(frontierOf(size, read));

/** Reads the hashes of `nodesForRoot(size)`, in that order. @throws like `rootHash` */
export const frontierOf = (size: number, read: ReadNode): Buffer[] =>
  nodesForRoot(size).map((node) => readNode(read, node));

/** Computes the root over a frontier: hashes in the order of `nodesForRoot`. */
export const rootOfFrontier = (frontier: readonly Buffer[]): Buffer =>
  frontier.length === 0 ? emptyRoot() : fold(frontier);

const fold = (hashes: readonly Buffer[]): Buffer => hashes.reduceRight((right, left) => nodeHash(left, right));

export interface Grown {
  /** leaves after the append */
  readonly size: number;
  /** the nodes to store: every new leaf and every subtree that these leaves complete; children before their parents */
  readonly newNodes: StoredNode[];
  /** the frontier of the tree of `size` leaves */
  readonly frontier: Buffer[];
}

/**
 * Appends leaves to a tree given only by its size and frontier: reads nothing, and computes at most two hashes per leaf,
 * independent of the tree's size. Storing the same nodes twice is harmless, because a hash depends on the leaves only. A
 * caller that crashes between storing the nodes and the size appends the same leaves again.
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
      // A right child completes its parent; its left sibling is the last node of the edge.
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
      `the tree has no node at level ${level}, index ${index}: fetch the nodes of nodesForRoot, nodesForInclusion or ` +
        'nodesForConsistency before reading; if they were fetched, fewer nodes are stored than the size requires',
    );
  }
  return checked(hash, `the node at level ${level}, index ${index}`);
}

function checked(hash: Buffer, what: string): Buffer {
  if (hash.length !== HASH_BYTES) throw new Error(`${what} has ${hash.length} bytes; a hash has ${HASH_BYTES}`);
  return hash;
}

/** @throws RangeError unless the size is a whole number with 0 ≤ size < 2^53 */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new RangeError(`a tree cannot have ${size} leaves; use a whole number, 0 ≤ size < 2^53`);
}

// --- proofs: the hashes of some ranges of leaves. The ranges depend on index and sizes alone, so the same list serves
// the store, which fetches nodes, and the prover, which hashes them.

/** Returns the largest power of two smaller than n, for n ≥ 2. @see RFC 6962 §2.1 */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** Lists the sibling ranges on the path from a leaf to the root, lowest first. @see RFC 6962 §2.1.1 PATH */
function inclusionRanges(index: number, size: number): Range[] {
  checkSize(size);
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size))
    throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
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

/** Lists the ranges of a consistency proof. `first` is at least 1, since nothing can be proved from an empty tree. @see RFC 6962 §2.1.2 PROOF */
function consistencyRanges(first: number, second: number): Range[] {
  checkSize(first);
  checkSize(second);
  if (!(first > 0 && first <= second))
    throw new RangeError(`there is no consistency proof from ${first} to ${second}; use 1 ≤ first ≤ second`);
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
  // If the walk stayed at the left edge, the rest is the first tree, whose root the verifier already has.
  if (start > 0) ranges.push([start, end]);
  return ranges.reverse();
}

/** Lists the nodes that `inclusionProof(index, size)` reads. */
export const nodesForInclusion = (index: number, size: number): Node[] => nodesFor(inclusionRanges(index, size));

/** Lists the nodes that `consistencyProof(first, second)` reads. */
export const nodesForConsistency = (first: number, second: number): Node[] =>
  nodesFor(consistencyRanges(first, second));

/** Returns the sibling hashes from the leaf up to below the root. @throws RangeError unless index < size */
export const inclusionProof = (index: number, size: number, read: ReadNode): Buffer[] =>
  inclusionRanges(index, size).map(([start, end]) => rangeHash(start, end, read));

/** Proves that the first tree is a prefix of the second; empty for equal sizes. @throws RangeError unless 1 ≤ first ≤ second */
export const consistencyProof = (first: number, second: number, read: ReadNode): Buffer[] =>
  consistencyRanges(first, second).map(([start, end]) => rangeHash(start, end, read));
