import { readFileSync } from 'node:fs';
import { itWithShared } from '../../test/support/shared';
import { entryHash, leafHash, nodeHash } from './hash';
import { appendLeaves, consistencyProof, inclusionProof, rootHash, type ReadNode } from './tree';
import { verifyConsistency, verifyInclusion } from './verify';

interface Case {
  leafIdx: number | string;
  treeSize: number | string;
  size1: number | string;
  size2: number | string;
  root: string;
  root1: string;
  root2: string;
  leafHash: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}
const bytes = (text: string | null | undefined): Buffer => Buffer.from(text ?? '', 'base64');

/** Straight from RFC 6962 §2.1, sharing nothing with the tree. */
function naive(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0] as Buffer;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(naive(leaves.slice(0, k)), naive(leaves.slice(k)));
}

function grow(count: number, step: number): { leaves: Buffer[]; read: ReadNode } {
  const leaves = Array.from({ length: count }, (_, i) => leafHash(entryHash(`event ${i}`)));
  const nodes = new Map<string, Buffer>();
  const read: ReadNode = (level, index) => nodes.get(`${level}/${index}`) as Buffer;
  for (let size = 0; size < count; size += step) {
    for (const node of appendLeaves(size, leaves.slice(size, size + step), read)) nodes.set(`${node.level}/${node.index}`, node.hash);
  }
  return { leaves, read };
}

describe('the tree of RFC 6962', () => {
  itWithShared('vectors/rfc6962-merkle.json', 'accepts and rejects all 98 inclusion and 98 consistency vectors', async (path) => {
    const { inclusion, consistency } = JSON.parse(readFileSync(path, 'utf8')) as { inclusion: Case[]; consistency: Case[] };
    expect([inclusion.length, consistency.length]).toEqual([98, 98]);
    for (const each of inclusion) {
      const verdict = verifyInclusion(bytes(each.leafHash), BigInt(each.leafIdx), BigInt(each.treeSize), (each.proof ?? []).map(bytes), bytes(each.root));
      expect([each.desc, !verdict.ok]).toEqual([each.desc, each.wantErr]);
    }
    for (const each of consistency) {
      const verdict = verifyConsistency(BigInt(each.size1), BigInt(each.size2), (each.proof ?? []).map(bytes), bytes(each.root1), bytes(each.root2));
      expect([each.desc, !verdict.ok]).toEqual([each.desc, each.wantErr]);
    }
  });

  it.each([1, 3, 7, 64])('is the same however leaves come in (%i at a time), and proves every leaf and every growth', (step) => {
    const { leaves, read } = grow(70, step);
    for (let size = 1; size <= 70; size++) {
      const root = rootHash(size, read);
      expect(root.equals(naive(leaves.slice(0, size)))).toBe(true);
      for (let i = 0; i < size; i++) {
        expect(verifyInclusion(leaves[i] as Buffer, BigInt(i), BigInt(size), inclusionProof(i, size, read), root).ok).toBe(true);
        const consistent = verifyConsistency(BigInt(i + 1), BigInt(size), consistencyProof(i + 1, size, read), rootHash(i + 1, read), root);
        expect(consistent.ok).toBe(true);
      }
    }
  });

  it('refuses any flipped bit in leaf, proof or root (I12)', () => {
    const { leaves, read } = grow(21, 5);
    const [leaf, proof, root] = [leaves[13] as Buffer, inclusionProof(13, 21, read), rootHash(21, read)];
    const parts = [leaf, ...proof, root];
    for (let part = 0; part < parts.length; part++) {
      for (let bit = 0; bit < 256; bit += 7) {
        const bent = parts.map((each) => Buffer.from(each));
        (bent[part] as Buffer)[bit >> 3]! ^= 1 << (bit & 7);
        expect(verifyInclusion(bent[0] as Buffer, 13n, 21n, bent.slice(1, -1), bent[bent.length - 1] as Buffer).ok).toBe(false);
      }
    }
  });
});
