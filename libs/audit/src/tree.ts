import { createHash } from 'node:crypto';

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const [LEAF, NODE] = [Buffer.of(0), Buffer.of(1)];

/** Computes the leaf hash of an event: SHA-256(0x00 ‖ SHA-256(body)). */
export const leafOf = (body: string): Buffer => sha256(LEAF, sha256(Buffer.from(body)));

/**
 * Computes the RFC 6962 tree of a log leaf by leaf. Independent of the implementation that the log uses, so that a bug
 * there is detected. Holds one hash per level.
 */
export class Tree {
  size = 0;
  /** complete subtrees, the largest first */
  private readonly edge: { readonly width: number; readonly hash: Buffer }[] = [];
  /** the complete subtrees of every eighth level above the leaves */
  private readonly kept = new Map<number, Buffer[]>();

  add(leaf: Buffer): void {
    let next = { width: 1, hash: leaf };
    for (let last = this.edge.at(-1); last?.width === next.width; last = this.edge.at(-1)) {
      this.edge.pop();
      next = { width: 2 * next.width, hash: sha256(NODE, last.hash, next.hash) };
      this.keep(next);
    }
    this.edge.push(next);
    this.size += 1;
  }

  private keep({ width, hash }: { width: number; hash: Buffer }): void {
    const level = Math.log2(width);
    if (level % 8 !== 0) return;
    const nodes = this.kept.get(level);
    if (nodes) nodes.push(hash);
    else this.kept.set(level, [hash]);
  }

  /** Returns the hashes of a level, left to right. The level must be a multiple of 8 above 0. */
  nodes(level: number): readonly Buffer[] {
    return this.kept.get(level) ?? [];
  }

  root(): Buffer {
    const hashes = this.edge.map(({ hash }) => hash);
    return hashes.length === 0 ? sha256() : hashes.reduceRight((right, left) => sha256(NODE, left, right));
  }
}
