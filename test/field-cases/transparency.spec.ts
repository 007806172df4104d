import { leafHash } from '@bailiwick/transparency-log/hash';
import { grown, someEntries } from '@bailiwick/transparency-log/testing/naive-tree';
import { consistencyProof, inclusionProof, rootHash } from '@bailiwick/transparency-log/merkle-tree';
import { verifyConsistency, verifyInclusion } from '@bailiwick/transparency-log/verify-proof';

/** Faults that users of other transparency logs reported, tried on the proofs of this one, which withstood them. */
const entries = someEntries(12);
const { read } = grown(entries, [12]);
const leaf = (index: number): Buffer => leafHash(entries[index] as Buffer);

describe('proofs', () => {
  it('of consistency with an empty tree are refused (transparency-dev/merkle#140)', () => {
    const empty = Buffer.alloc(32);
    expect(verifyConsistency(0, 12, [], empty, rootHash(12, read)).ok).toBe(false);
    expect(verifyConsistency(0, 0, [], empty, empty).ok).toBe(false);
  });

  it('of the only leaf of a tree have no hash, and any hash is refused (sigstore/sigstore-js#649)', () => {
    const only = grown(entries.slice(0, 1), [1]);
    const root = rootHash(1, only.read);
    expect(verifyInclusion(leaf(0), 0, 1, [], root).ok).toBe(true);
    expect(verifyInclusion(leaf(0), 0, 1, [leaf(0)], root).ok).toBe(false);
  });

  it('are made from the tree of the checkpoint, not from the current tree (zerkerlabs/treeship#191)', () => {
    const proof = inclusionProof(3, 7, read);
    expect(verifyInclusion(leaf(3), 3, 7, proof, rootHash(7, read)).ok).toBe(true);
    expect(verifyInclusion(leaf(3), 3, 7, inclusionProof(3, 12, read), rootHash(7, read)).ok).toBe(false);
  });

  it('refuse another history of the same length (coproduct-opensource/nucleus#2095)', () => {
    const rewritten = grown(
      [
        ...entries.slice(0, 5),
        ...someEntries(14)
          .slice(-7)
          .map((each) => Buffer.from([...each, 1])),
      ],
      [12],
    );
    const seen = rootHash(8, read);
    const proof = consistencyProof(8, 12, rewritten.read);
    expect(verifyConsistency(8, 12, proof, seen, rootHash(12, rewritten.read)).ok).toBe(false);
    expect(verifyConsistency(8, 12, consistencyProof(8, 12, read), seen, rootHash(12, read)).ok).toBe(true);
  });

  it('do not accept an inner node as a leaf: each has a different prefix (RFC 6962 §2.1, second preimages)', () => {
    const [left, right] = [leaf(0), leaf(1)];
    const inner = leafHash(Buffer.concat([left, right]));
    const pair = grown(entries.slice(0, 2), [2]);
    expect(inner.equals(rootHash(2, pair.read))).toBe(false);
    expect(verifyInclusion(inner, 0, 1, [], rootHash(2, pair.read)).ok).toBe(false);
  });
});
