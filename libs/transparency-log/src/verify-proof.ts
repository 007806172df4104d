import { err, ok, type Result } from '@bailiwick/core/result';
import { HASH_BYTES, nodeHash } from './hash';

// Shares only the two hash functions with the code that builds trees and proofs, so that a bug there is detected here.

/** The result of a verification, with a readable error. */
export type Verdict = Result<void, string>;

const MAX_UINT64 = (1n << 64n) - 1n;

/**
 * Verifies that the leaf is at `index` in the tree of `size` leaves with this root. Does not authenticate the root; the
 * signature of the checkpoint does.
 * @param proof sibling hashes, lowest first
 * @see RFC 9162 §2.1.3.2
 */
export function verifyInclusion(
  leafHash: Uint8Array,
  index: number | bigint,
  size: number | bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): Verdict {
  const leaf = uint64(index);
  const leaves = uint64(size);
  if (leaf === undefined) return err(`leaf index ${index} is not a whole number from 0 to 2^64 - 1`);
  if (leaves === undefined) return err(`tree size ${size} is not a whole number from 0 to 2^64 - 1`);
  if (leaf >= leaves) return err(`leaf index ${leaf} is beyond the tree, which has ${leaves} leaves`);
  const badHash = firstBadHash(
    [
      ['leaf hash', leafHash],
      ['root hash', root],
    ],
    proof,
  );
  if (badHash !== undefined) return err(badHash);

  let fn = leaf;
  let sn = leaves - 1n;
  let hash: Uint8Array = leafHash;
  for (const sibling of proof) {
    if (sn === 0n) return err(`the inclusion proof is too long: ${proof.length} hashes for leaf ${leaf} of ${leaves}`);
    if ((fn & 1n) === 1n || fn === sn) {
      hash = nodeHash(sibling, hash);
      // On the right edge, levels at which this node has no sibling consume no hash.
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) return err(`the inclusion proof is too short: ${proof.length} hashes for leaf ${leaf} of ${leaves}`);
  if (!same(hash, root)) return err(`the inclusion proof of leaf ${leaf} leads to another root than that of the tree`);
  return ok(undefined);
}

/**
 * Verifies that the tree of `size2` leaves starts with exactly the leaves of the tree of `size1` (I12). Refuses size1 = 0
 * for any proof, since it proves nothing: a caller without an earlier checkpoint must handle that case explicitly.
 * @see RFC 9162 §2.1.4.2
 */
export function verifyConsistency(
  size1: number | bigint,
  size2: number | bigint,
  proof: readonly Uint8Array[],
  root1: Uint8Array,
  root2: Uint8Array,
): Verdict {
  const first = uint64(size1);
  const second = uint64(size2);
  if (first === undefined) return err(`tree size ${size1} is not a whole number from 0 to 2^64 - 1`);
  if (second === undefined) return err(`tree size ${size2} is not a whole number from 0 to 2^64 - 1`);
  if (first === 0n)
    return err('a consistency proof from an empty tree proves nothing; start from a tree with at least one leaf');
  if (first > second) return err(`the earlier tree has ${first} leaves, but the later one only ${second}`);
  if (first === second) {
    if (proof.length > 0)
      return err(`both trees have ${first} leaves: the proof must be empty, not ${proof.length} hashes`);
    return same(root1, root2)
      ? ok(undefined)
      : err(`two different roots for ${first} leaves: the log shows two histories`);
  }
  const badHash = firstBadHash(
    [
      ['earlier root', root1],
      ['later root', root2],
    ],
    proof,
  );
  if (badHash !== undefined) return err(badHash);
  return climb(first, second, root1, root2, proof);
}

/** RFC 9162 §2.1.4.2, steps 2 to 8: rebuilds both roots from the same hashes. For 0 < first < second. */
function climb(
  first: bigint,
  second: bigint,
  root1: Uint8Array,
  root2: Uint8Array,
  proof: readonly Uint8Array[],
): Verdict {
  // If the old tree is complete, its root is the first node and is omitted from the proof.
  const path = (first & (first - 1n)) === 0n ? [root1, ...proof] : proof;
  let fn = first - 1n;
  let sn = second - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  const [start, ...rest] = path;
  if (start === undefined) return err('the consistency proof is empty, but the trees differ in size');
  let hash1: Uint8Array = start;
  let hash2: Uint8Array = start;
  for (const hash of rest) {
    if (sn === 0n)
      return err(`the consistency proof is too long: ${proof.length} hashes from ${first} to ${second} leaves`);
    if ((fn & 1n) === 1n || fn === sn) {
      hash1 = nodeHash(hash, hash1);
      hash2 = nodeHash(hash, hash2);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash2 = nodeHash(hash2, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n)
    return err(`the consistency proof is too short: ${proof.length} hashes from ${first} to ${second} leaves`);
  if (!same(hash1, root1))
    return err(`the proof does not lead to the earlier root of ${first} leaves: history was changed`);
  if (!same(hash2, root2)) return err(`the proof does not lead to the later root of ${second} leaves`);
  return ok(undefined);
}

function uint64(value: number | bigint): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return value >= 0n && value <= MAX_UINT64 ? value : undefined;
}

function firstBadHash(named: [string, Uint8Array][], proof: readonly Uint8Array[]): string | undefined {
  const all: [string, Uint8Array][] = [
    ...named,
    ...proof.map((hash, i): [string, Uint8Array] => [`proof hash ${i}`, hash]),
  ];
  const bad = all.find(([, hash]) => hash.length !== HASH_BYTES);
  return bad && `the ${bad[0]} has ${bad[1].length} bytes; a hash has ${HASH_BYTES}`;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
