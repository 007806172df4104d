import * as fc from 'fast-check';
import { emptyRoot, entryHash, leafHash } from './hash';
import { grown, naiveRoot, someEntries } from './testing/naive-tree';
import { frontierOf, growTree, nodesForRoot, rootHash, rootOfFrontier } from './merkle-tree';

fc.configureGlobal({ seed: 20260126 });

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

// The leaves and roots that implementations of certificate transparency have used in tests since RFC 6962.
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  hex,
);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('hashing', () => {
  it('hashes a body to an entry, and the prefixed entry to a leaf', () => {
    expect(entryHash('{}').toString('hex')).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
    expect(leafHash(hex('')).toString('hex')).toBe(ROOTS[1]);
  });
});

describe('the tree', () => {
  it('has the known root at each size from 0 to 8', () => {
    const { read } = grown(LEAVES);
    ROOTS.forEach((root, size) => expect(rootHash(size, read).toString('hex')).toBe(root));
    expect(emptyRoot().toString('hex')).toBe(ROOTS[0]);
  });

  it('has the root of the RFC definition at every size, independent of the batches', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 12 }), (batches) => {
        const entries = someEntries(batches.reduce((sum, n) => sum + n, 0));
        const { size, frontier, read } = grown(entries, batches);
        expect(size).toBe(entries.length);
        expect(rootOfFrontier(frontier)).toEqual(naiveRoot(entries));
        expect(rootHash(size, read)).toEqual(naiveRoot(entries));
      }),
      { numRuns: 60 },
    );
  });

  it('still computes the root of every earlier size', () => {
    const entries = someEntries(70);
    const { read } = grown(entries, [3, 30, 1, 36]);
    for (let n = 0; n <= 70; n += 1) expect(rootHash(n, read)).toEqual(naiveRoot(entries.slice(0, n)));
  });

  it('stores every complete subtree once, children first', () => {
    const leaves = someEntries(6).map(leafHash);
    const { newNodes } = growTree(0, [], leaves);
    expect(newNodes.map((node) => `${node.level}/${node.index}`)).toEqual([
      ...['0/0', '0/1', '1/0', '0/2', '0/3', '1/1', '2/0', '0/4', '0/5', '1/2'],
    ]);
    const before = grown(someEntries(3));
    expect(frontierOf(3, before.read)).toEqual(before.frontier);
  });

  it('appends beyond 2^32 leaves, where 32-bit shifts would overflow', () => {
    const size = 2 ** 40 + 1;
    const frontier = nodesForRoot(size).map((node) => leafHash(Buffer.from(`${node.level}/${node.index}`)));
    const { newNodes } = growTree(size, frontier, [leafHash(Buffer.of(1))]);
    expect(newNodes.map((node) => [node.level, node.index])).toEqual([
      [0, size],
      [1, 2 ** 39],
    ]);
  });

  it('refuses an invalid frontier, leaf, size or node', () => {
    const leaf = leafHash(Buffer.of());
    expect(() => growTree(3, [leaf], [])).toThrow('a tree of 3 leaves has a frontier of 2 hashes, not 1');
    expect(() => growTree(1, [leaf.subarray(1)], [])).toThrow('frontier hash 0 has 31 bytes');
    expect(() => growTree(0, [], [Buffer.alloc(33)])).toThrow('leaf 0 has 33 bytes');
    expect(() => rootHash(1.5, () => leaf)).toThrow(RangeError);
    expect(() => rootHash(-1, () => leaf)).toThrow(RangeError);
    expect(() => rootHash(3, (level) => (level === 1 ? leaf : undefined))).toThrow('no node at level 0, index 2');
    expect(() => rootHash(1, () => Buffer.alloc(0))).toThrow('the node at level 0, index 0 has 0 bytes');
  });
});
