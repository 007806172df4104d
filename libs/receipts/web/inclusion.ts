import type { Crypto } from './crypto';
import { need } from './failed';
import { openCheckpoint, type Head, type NoteKey } from './note';

// RFC 6962 inclusion, and C2SP tlog-proofs. @see RFC 9162 §2.1.3.2, https://c2sp.org/tlog-proof

const HEAD = 'c2sp.org/tlog-proof@v1';
const PROOF_LENGTH_MOST = 1_100_000;
const HASHES_MOST = 64;
/** 32 bytes in canonical base64: of the last character two bits are unused */
const HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/**
 * Verifies proofs of one log, one after another. Proofs in one tree share most of their hashes: what was once shown to
 * lead to the root is compared from then on, and not hashed again.
 */
export class Inclusion {
  /** the checkpoint that the proofs lead to: text and what it says */
  private note = '';
  private head: Head | undefined;
  /** nodes that lead to the root of `head`: place → base64 */
  private shown = new Map<number, string>();

  constructor(
    private readonly crypto: Crypto,
    private readonly keys: readonly [NoteKey, ...NoteKey[]],
    private readonly witnesses: readonly NoteKey[],
  ) {}

  /** The tree that all proofs led to. */
  get tree(): Head | undefined {
    return this.head;
  }

  /**
   * Is this body the event at this position of the log? The log's entry is SHA-256 of the body, its leaf
   * SHA-256(0x00 ‖ entry).
   * @throws Failed, in words
   */
  verify(body: string, position: number, proof: string): void {
    need(proof.length <= PROOF_LENGTH_MOST, 'its proof is too long');
    const at = proof.indexOf('\n\n');
    need(at >= 0, 'its proof has no checkpoint');
    const [head, ...lines] = proof.slice(0, at).split('\n');
    need(head === HEAD, `its proof does not begin with ${HEAD}`);
    if (lines[0]?.startsWith('extra ')) this.readExtra(lines.shift() as string);
    const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1];
    need(index !== undefined, 'its proof names no index');
    need(Number(index) === position, `its proof is for leaf ${index}`);
    need(lines.length <= HASHES_MOST, `its proof has more than ${HASHES_MOST} hashes`);
    const { size } = this.open(proof.slice(at + 2));
    need(position < size, `leaf ${position} is beyond the tree, which has ${size}`);
    this.climb(this.crypto.leaf(body), position, size, lines);
  }

  /** What a proof may carry besides: vouched for by nobody, and to be canonical base64. */
  private readExtra(line: string): void {
    need(this.crypto.fromBase64(line.slice('extra '.length)) !== undefined, 'the extra data of its proof is no base64');
  }

  private open(note: string): Head {
    if (this.head && note === this.note) return this.head;
    const opened = openCheckpoint(this.crypto, note, this.keys, this.witnesses);
    need(
      this.head === undefined || (opened.root === this.head.root && opened.size === this.head.size),
      'its proof leads to another tree than those before it',
    );
    if (this.head && opened.witnessedBy.length < this.head.witnessedBy.length) return this.head;
    this.note = note;
    return (this.head = opened);
  }

  /** From a leaf to the root, which must be reached with all of the siblings; then all of them are known to be in it. */
  private climb(leaf: string, position: number, size: number, siblings: readonly string[]): void {
    const other = `its proof leads to another root than the tree's`;
    const fresh: [place: number, hash: string][] = [];
    let hash = leaf;
    let used = 0;
    /** whether the node was shown before; then all above it was, with its siblings */
    let known = false;
    for (let level = 0, node = position, last = size - 1; last > 0; level++, node = half(node), last = half(last)) {
      if (!known) {
        const shown = this.shown.get(place(level, node));
        need(shown === undefined || shown === hash, other);
        known = shown !== undefined;
        if (!known) fresh.push([place(level, node), hash]);
      }
      const odd = node % 2 === 1;
      if (!odd && node === last) continue; // on the right edge it has no sibling here
      const sibling = siblings[used++];
      need(sibling !== undefined, `its proof is too short: ${siblings.length} hashes`);
      const beside = place(level, odd ? node - 1 : node + 1);
      if (known) {
        need(this.shown.get(beside) === sibling, other);
        continue;
      }
      need(HASH.test(sibling), 'a hash of its proof is no SHA-256 in canonical base64');
      fresh.push([beside, sibling]);
      hash = odd ? this.crypto.node(sibling, hash) : this.crypto.node(hash, sibling);
    }
    need(used === siblings.length, `its proof is too long: ${siblings.length} hashes`);
    need(known || hash === (this.head as Head).root, other);
    for (const [at, shown] of fresh) this.shown.set(at, shown);
  }
}

/** Positions may be beyond 32 bits. */
const half = (index: number): number => Math.floor(index / 2);

/** One number for a place in the tree; no log is as long as 2^47. */
const place = (level: number, index: number): number => index * 64 + level;
