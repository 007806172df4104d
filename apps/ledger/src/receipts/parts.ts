import {
  RECEIPT_IN_PARTS,
  RECEIPT_PART,
  STATEMENT_TYPE,
  type InParts,
  type Period,
  type InPartsStatement,
  type PartStatement,
  type PredicateType,
  type ReceiptEvent,
} from '@bailiwick/contracts/receipts/receipt';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { makeStatement } from '@bailiwick/receipts/envelope';
import type { Claims } from '@bailiwick/receipts/kinds';
import { claimsDigest, rootOver } from '@bailiwick/receipts/web/parts';
import { entryHash, leafHash, nodeHash } from '@bailiwick/transparency-log/hash';

/** A receipt cut into parts: the statement of its first envelope, and the events of each part. */
export interface Cut {
  readonly subject: InPartsStatement['subject'];
  readonly predicate: InParts;
  readonly positions: readonly (readonly number[])[];
}

/** The receipts that were cut most recently, as positions without events. */
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

/** Returns an upper bound of the bytes of a text in ASCII JSON: six per escape, two per quote or backslash. */
const inJson = (text: string): number =>
  text.length + (text.match(/["\\]/g)?.length ?? 0) + 5 * (text.match(/[^\x20-\x7e]/g)?.length ?? 0);

/** Estimates the size of an event with its member names, in base64, without its proof. */
const sizeOf = ({ stored: { body, payload, log } }: Stored): number =>
  Math.ceil((4 / 3) * (inJson(body) + inJson(payload ?? '') + log.length + 100));

export const bytesOf = (kept: readonly Stored[]): number => kept.reduce((sum, each) => sum + sizeOf(each), 0);

/** Returns an upper bound of the size of a proof: one hash per level of the tree, and the signed head. */
export const mostOfProof = (size: number, note: string): number =>
  Math.ceil((4 / 3) * (46 * Math.ceil(Math.log2(size + 1)) + 2 * note.length + 100));

interface Uncut {
  readonly id: string;
  readonly type: PredicateType;
  readonly period?: Period | undefined;
  readonly size: number;
  readonly kept: readonly Stored[];
  readonly claims: Claims;
  readonly proofBytes: number;
  readonly bounds: { readonly bytes: number; readonly partEvents: number };
}

export function partsOf({ id, type, period, size, kept, claims, proofBytes, bounds }: Uncut): Cut {
  const parts = cut(kept, proofBytes, bounds);
  const leaves = kept.map(({ stored: { body } }) => leafHash(entryHash(body)));
  const root = rootOver(leaves, (left, right) => nodeHash(left, right));
  const bodies = kept.map(({ stored: { log, position, body } }) => ({ log, position, body, proof: '' }));
  return {
    subject: makeStatement(claims, bodies).subject,
    predicate: {
      of: { type, id, ...(period ? { period: { from: period.from, until: period.until } } : {}) },
      size,
      root: root?.toString('base64') ?? '',
      ...(period?.open ? { open: true } : {}),
      count: kept.length,
      claims: claimsDigest(claims, canonicalDigest),
      parts: parts.map((each) => ({ events: each.length, first: each[0] as number, last: each.at(-1) as number })),
    },
    positions: parts,
  };
}

/** Fills each part up to its bounds, with at least one event. */
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

/** bytes of a part in addition to its events */
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
