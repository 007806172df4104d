import { KINDS } from '../kinds';
import {
  RECEIPT_IN_PARTS,
  RECEIPT_PART,
  RUN_RECEIPT,
  type Envelope,
  type InPartsStatement,
  type PartStatement,
} from '@bailiwick/contracts/receipts/receipt';
import { canonicalDigest } from '@bailiwick/core/digest';
import { entryHash, leafHash, nodeHash } from '@bailiwick/transparency-log/hash';
import { readUnverified, signStatement } from '../envelope';
import { readStory } from '../story';
import { busyRun } from '../testing/busy-run';
import { brokenAt, KEY, NAME, receiptOf, statementOf, VKEY, type SealedLog } from '../testing/sealed-log';
import { verifyReceipt as onNode } from '../verify';
import { verifyReceipt as onWeb } from './index';
import { claimsDigest, rootOver } from './parts';

const busy = busyRun();

/** Builds the receipt of a run in parts of a few events, applies the changes, and signs it as the log would. */
function inParts(
  log: SealedLog,
  runId: string,
  change: { all?: (all: InPartsStatement) => void; part?: (part: PartStatement, index: number) => void } = {},
): [Envelope, ...Envelope[]] {
  const { subject, predicate, _type } = statementOf(log, runId);
  const { events, ...claims } = predicate;
  const size = log.stored().length;
  const leaves = events.map(({ body }) => leafHash(entryHash(body)));
  const root = rootOver(leaves, (left, right) => nodeHash(left, right))?.toString('base64') ?? '';
  const of = { type: RUN_RECEIPT, id: runId } as const;
  const cut = [0, 1, 2, 3].map((i) => events.slice(i * 7, i === 3 ? undefined : (i + 1) * 7));
  const all: InPartsStatement = {
    _type,
    subject,
    predicateType: RECEIPT_IN_PARTS,
    predicate: {
      of,
      size,
      root,
      count: events.length,
      claims: claimsDigest(claims, canonicalDigest),
      parts: cut.map((each) => ({
        events: each.length,
        first: each[0]?.position ?? -1,
        last: each.at(-1)?.position ?? -1,
      })),
    },
  };
  const parts = cut.map((each, part): PartStatement => {
    const predicateType = RECEIPT_PART;
    return { _type, subject, predicateType, predicate: { of, size, root, part, parts: cut.length, events: each } };
  });
  change.all?.(all);
  parts.forEach((each, i) => change.part?.(each, i));
  return [signStatement(all, KEY, NAME), ...parts.map((each) => signStatement(each, KEY, NAME))];
}

const whole = inParts(busy.log, busy.runId);
const [first, p0, p1, p2, p3] = whole as unknown as [Envelope, Envelope, Envelope, Envelope, Envelope];
const other = inParts(busy.log, busy.childId);
const lines = (all: readonly Envelope[]): string => all.map((each) => JSON.stringify(each)).join('\n');
const tampered = (envelope: Envelope): Envelope => ({
  ...envelope,
  payload: Buffer.from(`${Buffer.from(envelope.payload, 'base64').toString()} `).toString('base64'),
});

describe.each([
  ['on Node', onNode],
  ['in a browser', onWeb],
])('a receipt in parts, verified %s', (_where, verify) => {
  it.each([
    ['an array', whole],
    ['the JSON of an array', JSON.stringify(whole)],
    ['a line for each envelope', lines(whole)],
    ['lines with a line end after the last', `${lines(whole)}\n`],
  ])('verifies like the receipt in one envelope, given as %s', (_form, input) => {
    const verification = verify(input, VKEY);
    expect(brokenAt(verification)).toBe('');
    expect(verification.statement).toEqual(onNode(receiptOf(busy.log, busy.runId), VKEY).statement);
  });

  it.each<[string, unknown, RegExp]>([
    ['the receipt without its parts', first, /has 4 parts and is incomplete without part 0, 1, 2, 3;/],
    ['a missing part', [first, p0, p1, p3], /incomplete without part 2;/],
    ['two missing parts', [first, p0, p3], /without part 1, 2;/],
    ['a missing last part', [first, p0, p1, p2], /without part 3;/],
    ['a repeated part', [first, p0, p1, p1, p2, p3], /part 1 is given more than once/],
    ['a part in the place of another', [first, p0, p1, p1, p3], /part 1 is given more than once/],
    ['swapped parts', [first, p0, p2, p1, p3], /part 2 is in the place of part 1/],
    ['a part of another run', [first, p0, other[2], p2, p3], /part 1, belongs to another receipt/],
    ['parts without the receipt', [p0, p1, p2, p3], /the first envelope is part 0 of 4/],
    ['one part alone', p2, /the first envelope is part 2 of 4/],
    ['two receipts', [first, p0, p1, p2, p3, first], /envelope 5 is not a part of a receipt/],
    ['a receipt in one envelope with parts', [receiptOf(busy.log, busy.runId), p0], /is a complete receipt/],
    [
      'a part with a wrong signature',
      [first, p0, tampered(p1), p2, p3],
      /envelope 2: the signature by .* is not valid/,
    ],
    ['the receipt with a wrong signature', [tampered(first), p0, p1, p2, p3], /envelope 0: the signature/],
    ['no envelope', [], /the file contains no envelope/],
    ['a line that is not an envelope', `${lines(whole)}\n{"a":1}`, /envelope 5: /],
    ['a member twice in a line', `${lines([first])}\n{"payload":"","payload":""}`, /not a receipt/],
  ])('is refused: %s', (_what, input, why) => {
    const verification = verify(input, VKEY);
    expect(verification.ok).toBe(false);
    expect(brokenAt(verification)).toMatch(why);
  });

  it.each<[string, Parameters<typeof inParts>[2], RegExp]>([
    [
      'another root in the receipt',
      { all: (s) => (s.predicate.root = first.payload.slice(0, 44)) },
      /with other events/,
    ],
    [
      'another root in the receipt and in every part',
      { all: (s) => (s.predicate.root = 'x'), part: (s) => (s.predicate.root = 'x') },
      /root over the events of all parts/,
    ],
    ['another root in one part', { part: (s, i) => i === 1 && (s.predicate.root = 'x') }, /with other events/],
    ['a part of another size', { part: (s, i) => i === 2 && (s.predicate.size -= 1) }, /tree of \d+ leaves, but/],
    [
      'a size other than that of the proofs',
      { all: (s) => (s.predicate.size += 1), part: (s) => (s.predicate.size += 1) },
      /the events are in the tree of \d+ leaves, not \d+/,
    ],
    ['a part that states another number of parts', { part: (s) => (s.predicate.parts = 3) }, /with other events/],
    [
      'a part without its last event',
      { part: (s, i) => i === 0 && s.predicate.events.pop() },
      /does not contain the events/,
    ],
    [
      'a part with its events in another order',
      { part: (s) => s.predicate.events.reverse() },
      /does not contain the events/,
    ],
    [
      'a part with inner events in another order',
      { part: ({ predicate: { events } }) => events.splice(1, 2, ...events.slice(1, 3).reverse()) },
      /root over the events/,
    ],
    ['another number of events', { all: (s) => (s.predicate.count += 1) }, /the receipt states/],
    [
      'other claims',
      { all: (s) => (s.predicate.claims = canonicalDigest({})) },
      /do not match the digest in the receipt/,
    ],
    [
      'a part with a text withheld',
      { part: (s) => s.predicate.events.forEach((each) => (each.payload = null)) },
      /do not match the digest in the receipt/,
    ],
    [
      'the subject of another',
      {
        all: (s) => (s.subject = [{ name: busy.childId, digest: {} }]),
        part: (s) => (s.subject = [{ name: busy.childId, digest: {} }]),
      },
      /the subject is not the run/,
    ],
    [
      'a part of a tree receipt',
      { part: (s) => (s.predicate.of = { ...s.predicate.of, id: 'tree_0_x' }) },
      /another receipt/,
    ],
  ])('is refused even when the log signed it: %s', (_what, change, why) => {
    const verification = verify(inParts(busy.log, busy.runId, change), VKEY);
    expect(verification.ok).toBe(false);
    expect(brokenAt(verification)).toMatch(why);
  });
});

it('readUnverified joins the parts to one receipt', () => {
  const { predicate } = readUnverified(lines(whole));
  expect(JSON.parse(JSON.stringify(predicate))).toEqual(
    JSON.parse(JSON.stringify(statementOf(busy.log, busy.runId).predicate)),
  );
  expect(() => readUnverified(lines([first, p0]))).toThrow('has 4 parts and the file contains 1;');
  expect(() => readUnverified(JSON.stringify(p0))).toThrow('the first envelope is a part;');
  expect(KINDS[RUN_RECEIPT].select(busy.runId, readStory(busy.log.entries())).length).toBe(predicate.events.length);
});
