import type { Crypto } from './crypto';
import { need } from './failed';
import { openCheckpoint, type Head, type NoteKey } from './note';

// Verifies RFC 6962 inclusion in C2SP tlog-proofs. @see RFC 9162 §2.1.3.2, https://c2sp.org/tlog-proof

const HEAD = 'c2sp.org/tlog-proof@v1\n';
const PROOF_LENGTH_MOST = 1_100_000;
/** A line of a proof: 32 bytes in canonical base64. Two bits of the last character are unused. */
const HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const HASH_LENGTH = 44;

/** A node that is known to lead to the root, with the siblings of the rest of the path. */
interface Shown {
  readonly hash: string;
  readonly rest: string;
}

/**
 * Verifies proofs of one log, one after another. Proofs in one tree share most of their hashes: nodes that are known to
 * lead to the root are compared as text and not hashed again.
 */
export class Inclusion {
  /** the common end of the proofs: an empty line and the checkpoint; and the parsed checkpoint */
  private ending = '';
  private head: Head | undefined;
  /** verified nodes below the root of `head`, by their place */
  private readonly shown = new Map<number, Shown>();

  constructor(
    private readonly crypto: Crypto,
    private readonly keys: readonly [NoteKey, ...NoteKey[]],
    private readonly witnesses: readonly NoteKey[],
  ) {}

  /** The tree of all verified proofs. */
  get tree(): Head | undefined {
    return this.head;
  }

  /**
   * Verifies that a body is the event at a position of the log. The log's entry is SHA-256 of the body, its leaf
   * SHA-256(0x00 ‖ entry).
   * @throws Failed with a readable message
   */
  verify(body: string, position: number, proof: string): void {
    need(proof.length <= PROOF_LENGTH_MOST, 'its proof is too long');
    need(proof.startsWith(HEAD), `its proof does not start with ${HEAD.trimEnd()}`);
    // an earlier empty line is refused later, since it is not a hash
    const ended = this.head !== undefined && proof.endsWith(this.ending);
    const end = ended ? proof.length - this.ending.length : proof.indexOf('\n\n');
    need(end >= 0, 'its proof has no checkpoint');
    const siblings = this.readSiblings(proof.slice(HEAD.length, end + 1), position);
    const { size } = ended ? (this.head as Head) : this.open(proof.slice(end));
    need(position < size, `leaf ${position} is beyond the tree, which has ${size}`);
    this.climb(this.crypto.leaf(body), position, size, siblings);
  }

  /** @param lines with their line ends @returns the lines of the hashes, not yet validated */
  private readSiblings(lines: string, position: number): string {
    let from = 0;
    // extra data is not authenticated; it must only be canonical base64
    if (lines.startsWith('extra ')) {
      from = lines.indexOf('\n') + 1;
      const extra = this.crypto.fromBase64(lines.slice('extra '.length, from - 1));
      need(extra !== undefined, 'the extra data of its proof is not canonical base64');
    }
    const line = `index ${position}\n`;
    if (!Number.isSafeInteger(position) || !lines.startsWith(line, from)) {
      const index = /^index (0|[1-9]\d{0,15})\n/.exec(lines.slice(from))?.[1];
      return need(false, index === undefined ? 'its proof names no index' : `its proof is for leaf ${index}`);
    }
    return lines.slice(from + line.length);
  }

  private open(ending: string): Head {
    const opened = openCheckpoint(this.crypto, ending.slice('\n\n'.length), this.keys, this.witnesses);
    need(
      this.head === undefined || (opened.root === this.head.root && opened.size === this.head.size),
      'its proof is for a different tree than the proofs before it',
    );
    if (this.head && opened.witnessedBy.length < this.head.witnessedBy.length) return this.head;
    this.ending = ending;
    return (this.head = opened);
  }

  /**
   * Climbs from a leaf to the root, which must use all siblings; or to a node that was verified before, if the remaining
   * siblings are the same as in the earlier proof.
   */
  private climb(leaf: string, position: number, size: number, siblings: string): void {
    const fresh: [place: number, shown: Shown][] = [];
    let hash = leaf;
    let used = 0;
    let level = 0;
    let node = position;
    let shown: Shown | undefined;
    for (let last = size - 1; last > 0; level++, node = half(node), last = half(last)) {
      shown = this.shown.get(place(level, node));
      if (shown) break;
      fresh.push([place(level, node), { hash, rest: siblings.slice(used) }]);
      const odd = node % 2 === 1;
      if (!odd && node === last) continue; // a node on the right edge has no sibling at this level
      const sibling = siblings.slice(used, used + HASH_LENGTH);
      need(sibling !== '', `its proof is too short: ${lengthOf(siblings)} hashes`);
      used += HASH_LENGTH + 1;
      need(
        HASH.test(sibling) && siblings[used - 1] === '\n',
        'a hash of its proof is not a SHA-256 in canonical base64',
      );
      // a path through the sibling would have this node as its sibling, and continue in the same way
      fresh.push([
        place(level, odd ? node - 1 : node + 1),
        { hash: sibling, rest: `${hash}\n${siblings.slice(used)}` },
      ]);
      hash = odd ? this.crypto.node(sibling, hash) : this.crypto.node(hash, sibling);
    }
    const { hash: expected, rest } = shown ?? { hash: (this.head as Head).root, rest: '' };
    const over = siblings.length - used - rest.length;
    need(over === 0, `its proof is too ${over < 0 ? 'short' : 'long'}: ${lengthOf(siblings)} hashes`);
    need(hash === expected && siblings.endsWith(rest), `its proof leads to another root than that of the tree`);
    for (const [at, each] of fresh) this.shown.set(at, each);
  }
}

const lengthOf = (siblings: string): number => Math.ceil(siblings.length / (HASH_LENGTH + 1));

/** Halves without bit operations: positions may exceed 32 bits. */
const half = (index: number): number => Math.floor(index / 2);

/** Encodes a place in the tree as one number; logs are shorter than 2^47. */
const place = (level: number, index: number): number => index * 64 + level;
