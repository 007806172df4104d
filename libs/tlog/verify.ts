import { err, ok, type Result } from '#kernel/result';
import { nodeHash } from './hash';

type Verdict = Result<void, string>;
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const sized = (hashes: readonly Uint8Array[]): boolean => hashes.every((hash) => hash.length === 32);

/**
 * Is this leaf at this index of the tree with this root? Sizes may be as large as 64 bits.
 * @see RFC 9162 §2.1.3.2 (the same as RFC 6962's tree)
 */
export function verifyInclusion(leaf: Uint8Array, index: bigint, size: bigint, proof: readonly Uint8Array[], root: Uint8Array): Verdict {
  if (index < 0n || index >= size) return err(`leaf ${index} is not in a tree of ${size}`);
  if (!sized([leaf, root, ...proof])) return err('a hash is not 32 bytes long');
  let [fn, sn, hash] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (sn === 0n) return err('the proof is too long');
    if ((fn & 1n) === 1n || fn === sn) {
      hash = nodeHash(sibling, hash);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else hash = nodeHash(hash, sibling);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) return err('the proof is too short');
  return same(hash, root) ? ok(undefined) : err('the proof leads to another root');
}

/**
 * Is the tree of the second size an extension of that of the first? A proof from size 0 says nothing and is refused.
 * @see RFC 9162 §2.1.4.2
 */
export function verifyConsistency(first: bigint, second: bigint, proof: readonly Uint8Array[], firstRoot: Uint8Array, secondRoot: Uint8Array): Verdict {
  if (first <= 0n || second < first) return err(`there is no consistency proof from ${first} to ${second}`);
  if (first === second) {
    if (proof.length > 0) return err('the proof of a tree with itself is empty');
    return same(firstRoot, secondRoot) ? ok(undefined) : err('two roots of one size');
  }
  if (proof.length === 0) return err('the proof is empty');
  if (!sized([firstRoot, secondRoot, ...proof])) return err('a hash is not 32 bytes long');
  const path = (first & (first - 1n)) === 0n ? [firstRoot, ...proof] : [...proof];
  let [fn, sn] = [first - 1n, second - 1n];
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [path[0] as Uint8Array, path[0] as Uint8Array];
  for (const hash of path.slice(1)) {
    if (sn === 0n) return err('the proof is too long');
    if ((fn & 1n) === 1n || fn === sn) {
      fr = nodeHash(hash, fr);
      sr = nodeHash(hash, sr);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else sr = nodeHash(sr, hash);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) return err('the proof is too short');
  if (!same(fr, firstRoot)) return err('the proof leads to another first root');
  return same(sr, secondRoot) ? ok(undefined) : err('the proof leads to another second root');
}
