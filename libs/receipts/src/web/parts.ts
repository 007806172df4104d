import {
  RUN_RECEIPT,
  type InPartsStatement,
  type PartStatement,
  type Period,
  type PredicateType,
  type ReceiptEvent,
  type Statement,
} from '@bailiwick/contracts/receipts/receipt';
import { canonicalize } from '@bailiwick/core/canonical';
import { parseExactly } from '@bailiwick/core/json';
import type { DigestOf } from '../chain';
import type { Claims } from '../kinds';
import type { Crypto } from './crypto';
import { need } from './failed';

/** The contents of a receipt, whether it came in one envelope or in parts. */
export interface Whole {
  readonly type: PredicateType;
  readonly id: string;
  readonly period: Period | undefined;
  readonly subject: Statement['subject'];
  readonly events: readonly ReceiptEvent[];
}

/**
 * Returns the envelopes of a file: a single one, or a receipt in parts as an array or one per line.
 * @throws Error if the text is not valid JSON or has a duplicate member
 */
export function envelopesIn(input: unknown): readonly unknown[] {
  const read = typeof input === 'string' ? valuesIn(input) : input;
  return Array.isArray(read) ? read : [read];
}

function valuesIn(text: string): unknown {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const isLines = lines.length > 1 && lines.every((line) => /^\s*\{.*\}\s*$/.test(line));
  return isLines ? lines.map((line) => parseExactly(line)) : parseExactly(text);
}

/**
 * Computes the RFC 6962 root over leaves: an odd last node moves up a level unchanged.
 * @see RFC 6962 §2.1
 */
export function rootOver<T>(leaves: readonly T[], node: (left: T, right: T) => T): T | undefined {
  let level = [...leaves];
  while (level.length > 1) {
    const next: T[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as T, level[i + 1]];
      next.push(right === undefined ? left : node(left, right));
    }
    level = next;
  }
  return level[0];
}

/** Computes the digest that a receipt in parts contains in place of its claims. */
export const claimsDigest = (claims: Claims, digestOf: DigestOf): string =>
  digestOf(JSON.parse(JSON.stringify(claims)) as unknown);

/**
 * Joins the events of all parts after checking that they are exactly the parts that the first envelope lists.
 * @throws Failed with the parts that are missing, repeated, moved or from another receipt
 */
export function joined(
  crypto: Crypto,
  { predicate: all, subject }: InPartsStatement,
  parts: readonly PartStatement[],
): Whole {
  const count = all.parts.length;
  need(
    all.of.period === undefined || all.of.type === RUN_RECEIPT,
    'the receipt states a period, which only the receipt of a run may do',
  );
  const given = parts.map(({ predicate: { part } }) => part);
  parts.forEach((each, i) => belongs(all, subject, each, i));
  const twice = given.find((part, i) => given.indexOf(part) !== i);
  need(twice === undefined, `part ${twice} is given more than once; give each of the ${count} parts once`);
  const held = new Set(given);
  const missing = all.parts.flatMap((_, part) => (held.has(part) ? [] : [part]));
  need(missing.length === 0, missingParts(count, missing));
  given.forEach((part, i) => need(part === i, `part ${part} is in the place of part ${i}; give the parts in order`));
  const events = parts.flatMap(({ predicate }) => predicate.events);
  const root = rootOver(
    events.map(({ body }) => crypto.leaf(body)),
    (left, right) => crypto.node(left, right),
  );
  need(events.length === all.count, `the parts contain ${events.length} events, but the receipt states ${all.count}`);
  need(root === all.root, 'the root over the events of all parts differs from the root that the receipt states');
  return { type: all.of.type, id: all.of.id, period: periodIn(all), subject, events };
}

/** Returns the period that the claims of a receipt in parts state. */
export const periodIn = ({ of, open }: InPartsStatement['predicate']): Period | undefined =>
  of.period && { ...of.period, ...(open ? { open } : {}) };

export function missingParts(count: number, missing: readonly number[]): string {
  const named = missing.slice(0, 10).join(', ');
  const more = missing.length > 10 ? ` and ${missing.length - 10} more` : '';
  return `this receipt has ${count} parts and is incomplete without part ${named}${more}; give the receipt with all its parts`;
}

function belongs(
  all: InPartsStatement['predicate'],
  subject: InPartsStatement['subject'],
  part: PartStatement,
  i: number,
): void {
  const { of, size, root, parts, part: index, events } = part.predicate;
  const where = `envelope ${i + 1}, part ${index},`;
  const isSame = (a: unknown, b: unknown): boolean => canonicalize(a) === canonicalize(b);
  need(isSame(of, all.of) && isSame(part.subject, subject), `${where} belongs to another receipt: ${of.id}`);
  need(size === all.size, `${where} is for the tree of ${size} leaves, but the receipt for the tree of ${all.size}`);
  need(root === all.root && parts === all.parts.length, `${where} belongs to a receipt with other events`);
  const stated = all.parts[index];
  const [first, last] = [events[0]?.position, events.at(-1)?.position];
  need(
    stated !== undefined && events.length === stated.events && first === stated.first && last === stated.last,
    `${where} does not contain the events that the receipt states for it`,
  );
}
