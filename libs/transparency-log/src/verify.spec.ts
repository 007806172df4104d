import * as fc from 'fast-check';
import { leafHash } from './hash';
import { grown, naivePath, naiveProof, someEntries } from './testing/naive-tree';
import {
  consistencyProof,
  inclusionProof,
  nodesForConsistency,
  nodesForInclusion,
  nodesForRoot,
  rootHash,
  type Node,
  type ReadNode,
} from './merkle-tree';
import { verifyConsistency, verifyInclusion } from './verify-proof';

fc.configureGlobal({ seed: 20260127 });

const MAX = 70;
const entries = someEntries(MAX);
const { read } = grown(entries, [1, 9, 20, 40]);

/** A reader of only these nodes, as a caller has it after prefetching. */
const only = (nodes: Node[]): ReadNode => {
  const named = new Set(nodes.map(({ level, index }) => `${level}/${index}`));
  return (level, index) => (named.has(`${level}/${index}`) ? read(level, index) : undefined);
};

const hex = (hashes: readonly Buffer[]): string => Buffer.concat(hashes).toString('hex');

/** Flips one bit. */
function flip(hash: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(hash);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

describe('inclusion', () => {
  it('is proved for every leaf of every tree up to 70 as defined by the RFC, from the listed nodes alone', () => {
    for (let size = 1; size <= MAX; size += 1) {
      const root = rootHash(size, only(nodesForRoot(size)));
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(index, size, only(nodesForInclusion(index, size)));
        expect(hex(proof)).toBe(hex(naivePath(index, entries.slice(0, size))));
        expect(verifyInclusion(leafHash(entries[index] as Buffer), index, size, proof, root).ok).toBe(true);
      }
    }
  });

  it('is refused with any bit of leaf, proof or root flipped, or with another index or size', () => {
    const where = fc
      .tuple(fc.integer({ min: 1, max: MAX }), fc.nat(), fc.nat(), fc.nat(255), fc.nat(MAX), fc.nat(MAX + 1))
      .map(([size, index, ...rest]) => [size, index % size, ...rest] as const);
    fc.assert(
      fc.property(where, ([size, index, pick, bit, otherIndex, otherSize]) => {
        const proof = inclusionProof(index, size, read);
        const claim = { leaf: leafHash(entries[index] as Buffer), index, size, proof, root: rootHash(size, read) };
        const refused = (changed: Partial<typeof claim>) => {
          const c = { ...claim, ...changed };
          expect(verifyInclusion(c.leaf, c.index, c.size, c.proof, c.root).ok).toBe(false);
        };
        refused({ leaf: flip(claim.leaf, bit) });
        refused({ root: flip(claim.root, bit) });
        if (proof.length > 0) {
          const at = pick % proof.length;
          refused({ proof: proof.with(at, flip(proof[at] as Buffer, bit)) });
          refused({ proof: proof.toSpliced(at, 1) });
        }
        refused({ proof: [...proof, claim.root] });
        refused({ proof: [claim.leaf, ...proof] });
        if (otherIndex !== index) refused({ index: otherIndex });
        // A proof may match a tree of another size with the same path shape, but not its root.
        if (otherSize !== size && otherSize <= MAX) refused({ size: otherSize, root: rootHash(otherSize, read) });
      }),
      { numRuns: 400 },
    );
  });

  it('is not proved for a leaf that the tree does not have', () => {
    expect(() => inclusionProof(3, 3, read)).toThrow('a tree of 3 leaves has no leaf 3');
    expect(() => inclusionProof(0, 0, read)).toThrow('a tree of 0 leaves has no leaf 0');
    expect(() => inclusionProof(-1, 3, read)).toThrow(RangeError);
    expect(() => inclusionProof(0.5, 3, read)).toThrow(RangeError);
  });
});

describe('consistency', () => {
  it('is proved between all sizes i ≤ j ≤ 70 as defined by the RFC, from the listed nodes alone', () => {
    for (let size2 = 1; size2 <= MAX; size2 += 1) {
      const root2 = rootHash(size2, read);
      for (let size1 = 1; size1 <= size2; size1 += 1) {
        const proof = consistencyProof(size1, size2, only(nodesForConsistency(size1, size2)));
        expect(hex(proof)).toBe(hex(naiveProof(size1, entries.slice(0, size2))));
        expect(verifyConsistency(size1, size2, proof, rootHash(size1, read), root2).ok).toBe(true);
      }
    }
  });

  it('is refused with any bit of either root or the proof flipped, or a hash added or removed (I12)', () => {
    const where = fc
      .tuple(fc.integer({ min: 1, max: MAX }), fc.nat(), fc.nat(), fc.nat(255))
      .map(([size2, size1, ...rest]) => [(size1 % size2) + 1, size2, ...rest] as const);
    fc.assert(
      fc.property(where, ([size1, size2, pick, bit]) => {
        const proof = consistencyProof(size1, size2, read);
        const claim = { size1, size2, root1: rootHash(size1, read), root2: rootHash(size2, read), proof };
        const refused = (changed: Partial<typeof claim>) => {
          const c = { ...claim, ...changed };
          expect(verifyConsistency(c.size1, c.size2, c.proof, c.root1, c.root2).ok).toBe(false);
        };
        refused({ root1: flip(claim.root1, bit) });
        refused({ root2: flip(claim.root2, bit) });
        if (proof.length > 0) {
          const at = pick % proof.length;
          refused({ proof: proof.with(at, flip(proof[at] as Buffer, bit)) });
          refused({ proof: proof.toSpliced(at, 1) });
        }
        refused({ proof: [...proof, claim.root2] });
        refused({ proof: [claim.root1, ...proof] });
        refused({ size1: 0 });
        if (size1 !== size2) refused({ size1: size2, size2: size1 });
      }),
      { numRuns: 400 },
    );
  });

  it('reveals any changed leaf of an earlier checkpoint (I12)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX }), fc.nat(), fc.nat(), (size2, a, b) => {
        const size1 = (a % size2) + 1;
        const changed = b % size1;
        const forged = grown(entries.with(changed, Buffer.from('another event')).slice(0, size2));
        const proof = consistencyProof(size1, size2, forged.read);
        const verdict = verifyConsistency(size1, size2, proof, rootHash(size1, read), rootHash(size2, forged.read));
        expect(verdict.ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('is not proved from an empty tree or backwards', () => {
    expect(() => consistencyProof(0, 3, read)).toThrow('use 1 ≤ first ≤ second');
    expect(() => consistencyProof(4, 3, read)).toThrow('use 1 ≤ first ≤ second');
    const root = rootHash(3, read);
    expect(verifyConsistency(0, 3, [], root, root).ok).toBe(false);
    expect(verifyConsistency(0, 0, [], root, root).ok).toBe(false);
  });
});
