import { HASH_BYTES, nodeHash } from './hash';
import type { Node, ReadNode, StoredNode } from './merkle-tree';

// Storage of a tree: the hashes of every eighth level (those that tiles consist of), 64 per row of bytes. The levels
// between are recomputed on demand: one row per node would cost more than all other work of following a log.

const HEIGHT = 8;
/** Hashes in a full piece; a quarter of a tile. */
export const PIECE_WIDTH = 64;

/** The `index`-th piece of tree level `level`, which is a multiple of 8. */
export interface Piece extends Node {
  /** the stored hashes, or the hashes to append to them */
  readonly hashes: Buffer;
}

/** Groups new nodes of the stored levels by piece, in order. */
export function piecesOf(newNodes: readonly StoredNode[]): Piece[] {
  const pieces = new Map<string, { level: number; index: number; hashes: Buffer[] }>();
  for (const { level, index, hash } of newNodes) {
    if (level % HEIGHT !== 0) continue;
    const at = { level, index: Math.floor(index / PIECE_WIDTH) };
    const piece = pieces.get(keyOf(at));
    if (piece) piece.hashes.push(hash);
    else pieces.set(keyOf(at), { ...at, hashes: [hash] });
  }
  return [...pieces.values()].map(({ hashes, ...at }) => ({ ...at, hashes: Buffer.concat(hashes) }));
}

/** Lists the pieces from which the nodes can be computed, each once. */
export function piecesFor(nodes: readonly Node[]): Node[] {
  const wanted = new Map<string, Node>();
  for (const { level, index } of nodes) {
    const below = level % HEIGHT;
    const width = 2 ** below;
    const last = Math.floor((index * width + width - 1) / PIECE_WIDTH);
    for (let i = Math.floor((index * width) / PIECE_WIDTH); i <= last; i += 1) {
      const piece = { level: level - below, index: i };
      wanted.set(keyOf(piece), piece);
    }
  }
  return [...wanted.values()];
}

/** Returns a reader of nodes in pieces; it returns undefined if a required hash is in none of them. */
export function readPieces(pieces: readonly Piece[]): ReadNode {
  const kept = new Map(pieces.map((piece) => [keyOf(piece), piece.hashes]));
  const made = new Map<string, Buffer | undefined>();
  const read = (level: number, index: number): Buffer | undefined => {
    if (level % HEIGHT === 0) return hashIn(kept.get(keyOf({ level, index: Math.floor(index / PIECE_WIDTH) })), index);
    const key = keyOf({ level, index });
    if (!made.has(key)) made.set(key, join(read(level - 1, 2 * index), read(level - 1, 2 * index + 1)));
    return made.get(key);
  };
  return read;
}

function hashIn(hashes: Buffer | undefined, index: number): Buffer | undefined {
  const at = (index % PIECE_WIDTH) * HASH_BYTES;
  return hashes && hashes.length >= at + HASH_BYTES ? hashes.subarray(at, at + HASH_BYTES) : undefined;
}

const join = (left: Buffer | undefined, right: Buffer | undefined): Buffer | undefined =>
  left && right && nodeHash(left, right);

const keyOf = ({ level, index }: Node): string => `${level}/${index}`;
