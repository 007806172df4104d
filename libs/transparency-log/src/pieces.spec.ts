import * as fc from 'fast-check';
import { leafHash } from './hash';
import { PIECE_WIDTH, piecesFor, piecesOf, readPieces, type Piece } from './pieces';
import { someEntries } from './testing/naive-tree';
import { growTree, nodesForInclusion, nodesForRoot, type Node, type StoredNode } from './merkle-tree';

fc.configureGlobal({ seed: 20260151 });

const LEAVES = someEntries(66_000).map(leafHash);
const nameOf = ({ level, index }: Node): string => `${level}/${index}`;

/** Simulates a store after batches of these sizes, which appends new hashes to existing pieces. */
function kept(batches: readonly number[]): { pieces: Map<string, Piece>; nodes: StoredNode[]; size: number } {
  const pieces = new Map<string, Piece>();
  const nodes: StoredNode[] = [];
  let [size, frontier]: [number, Buffer[]] = [0, []];
  for (const count of batches) {
    const grown = growTree(size, frontier, LEAVES.slice(size, size + count));
    for (const piece of piecesOf(grown.newNodes)) {
      const before = pieces.get(nameOf(piece))?.hashes ?? Buffer.alloc(0);
      pieces.set(nameOf(piece), { ...piece, hashes: Buffer.concat([before, piece.hashes]) });
    }
    for (const node of grown.newNodes) nodes.push(node);
    ({ size, frontier } = grown);
  }
  return { pieces, nodes, size };
}

const fetched = (pieces: ReadonlyMap<string, Piece>, nodes: readonly Node[]): Piece[] =>
  piecesFor(nodes).flatMap((wanted) => pieces.get(nameOf(wanted)) ?? []);

/** Reads a node from only the pieces that `piecesFor` lists. */
const read = (pieces: ReadonlyMap<string, Piece>, node: Node): Buffer | undefined =>
  readPieces(fetched(pieces, [node]))(node.level, node.index);

describe('a tree stored in pieces', () => {
  it('returns every node, independent of the batches', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }), (batches) => {
        const { pieces, nodes, size } = kept(batches);
        expect(nodes.filter((node) => !read(pieces, node)?.equals(node.hash))).toEqual([]);
        expect(pieces).toEqual(kept([size]).pieces);
        for (const { hashes } of pieces.values()) expect(hashes.length).toBeLessThanOrEqual(32 * PIECE_WIDTH);
      }),
      { numRuns: 15 },
    );
  });

  it('also stores the upper levels, and reads few pieces even for a large tree', () => {
    const { pieces, nodes, size } = kept([LEAVES.length]);
    const high = nodes.filter(({ level }) => level > 8);
    expect(high.some(({ level }) => level === 16)).toBe(true);
    expect(high.filter((node) => !read(pieces, node)?.equals(node.hash))).toEqual([]);
    for (const wanted of [nodesForRoot(size), nodesForInclusion(12_345, size)])
      expect(piecesFor(wanted).length).toBeLessThan(24);
  });

  it('returns no node if a hash is missing or does not exist yet', () => {
    const { pieces } = kept([100]);
    expect(read(pieces, { level: 6, index: 0 })).toBeDefined();
    expect(read(pieces, { level: 6, index: 1 })).toBeUndefined();
    const whole = readPieces([...pieces.values()]);
    expect(whole(0, 99)).toBeDefined();
    expect(whole(0, 100)).toBeUndefined();
    expect(whole(2, 24)).toBeDefined();
    expect(whole(2, 25)).toBeUndefined();
    expect(whole(8, 0)).toBeUndefined();
  });
});
