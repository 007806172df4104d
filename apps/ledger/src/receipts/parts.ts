import {
  RECEIPT_IN_PARTS,
  RECEIPT_PART,
  STATEMENT_TYPE,
  type InParts,
  type InPartsStatement,
  type PartStatement,
  type PredicateType,
  type ReceiptEvent,
} from '@bailiwick/contracts/receipt';
import type { StoredEvent } from '@bailiwick/event-store/port';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { makeStatement } from '@bailiwick/receipts/envelope';
import type { Claims } from '@bailiwick/receipts/kinds';
import { claimsDigest, rootOver } from '@bailiwick/receipts/web/parts';
import { entryHash, leafHash, nodeHash } from '@bailiwick/transparency-log/hash';

/** A receipt cut into parts: what its first envelope states, and which events each part holds. */
export interface Cut {
  readonly subject: InPartsStatement['subject'];
  readonly predicate: InParts;
  readonly positions: readonly (readonly number[])[];
}

/** The last few receipts that were cut: positions alone, no event. */
export class Cuts {
  private readonly cuts = new Map<string, Cut>();

  get(key: string): Cut | undefined {
    return this.cuts.get(key);
  }

  keep(key: string, cut: Cut): void {
    this.cuts.delete(key);
    this.cuts.set(key, cut);
    const [oldest] = this.cuts.keys();
    if (oldest !== undefined && this.cuts.size > LIMITS.receiptsInParts) this.cuts.delete(oldest);
  }
}

type Stored = { readonly stored: StoredEvent };

/** Bytes of a text as a string of ASCII JSON, at most: an escape has six, a quote or line end two. */
const inJson = (text: string): number =>
  text.length + (text.match(/["\\]/g)?.length ?? 0) + 5 * (text.match(/[^\x20-\x7e]/g)?.length ?? 0);

/** An event with the names of its members, in base64, without its proof. */
const sizeOf = ({ stored: { body, payload, log } }: Stored): number =>
  Math.ceil((4 / 3) * (inJson(body) + inJson(payload ?? '') + log.length + 100));

export const bytesOf = (kept: readonly Stored[]): number => kept.reduce((sum, each) => sum + sizeOf(each), 0);

/** A proof has a line of a hash for each level, and the signed head. */
export const mostOfProof = (size: number, note: string): number =>
  Math.ceil((4 / 3) * (46 * Math.ceil(Math.log2(size + 1)) + 2 * note.length + 100));

interface Uncut {
  readonly id: string;
  readonly type: PredicateType;
  readonly size: number;
  readonly kept: readonly Stored[];
  readonly claims: Claims;
  readonly proofBytes: number;
  readonly bounds: { readonly bytes: number; readonly partEvents: number };
}

export function partsOf({ id, type, size, kept, claims, proofBytes, bounds }: Uncut): Cut {
  const parts = cut(kept, proofBytes, bounds);
  const leaves = kept.map(({ stored: { body } }) => leafHash(entryHash(body)));
  const root = rootOver(leaves, (left, right) => nodeHash(left, right));
  const bodies = kept.map(({ stored: { log, position, body } }) => ({ log, position, body, proof: '' }));
  return {
    subject: makeStatement(claims, bodies).subject,
    predicate: {
      of: { type, id },
      size,
      root: root?.toString('base64') ?? '',
      count: kept.length,
      claims: claimsDigest(claims, canonicalDigest),
      parts: parts.map((each) => ({ events: each.length, first: each[0] as number, last: each.at(-1) as number })),
    },
    positions: parts,
  };
}

/** As many events in each part as it may hold; one at least. */
function cut(kept: readonly Stored[], proofBytes: number, { bytes, partEvents }: Uncut['bounds']): number[][] {
  const parts: number[][] = [];
  let room = 0;
  for (const each of kept) {
    const size = sizeOf(each) + proofBytes;
    let part = parts.at(-1);
    if (!part || part.length >= partEvents || size > room) {
      parts.push((part = []));
      room = bytes - ROOM_AROUND;
    }
    part.push(each.stored.position);
    room -= size;
  }
  return parts;
}

/** What stands around the events of a part. */
const ROOM_AROUND = 4_096;

export const inPartsStatementOf = ({ subject, predicate }: Cut): InPartsStatement => ({
  _type: STATEMENT_TYPE,
  subject,
  predicateType: RECEIPT_IN_PARTS,
  predicate,
});

export const partStatementOf = (
  { subject, predicate: { of, size, root, parts } }: Cut,
  part: number,
  events: ReceiptEvent[],
): PartStatement => ({
  _type: STATEMENT_TYPE,
  subject,
  predicateType: RECEIPT_PART,
  predicate: { of, size, root, part, parts: parts.length, events },
});
