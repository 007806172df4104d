import { sign, type KeyObject } from 'node:crypto';
import { parseEvent, payload as payloadSchema } from '@bailiwick/contracts/events/event';
import {
  ACTION_RECEIPT,
  envelope as envelopeSchema,
  PARTED,
  partStatement,
  PAYLOAD_TYPE,
  PREDICATES,
  RECEIPT_IN_PARTS,
  RECEIPT_PART,
  RUN_RECEIPT,
  STATEMENT_TYPE,
  TREE_RECEIPT,
  type Envelope,
  type InPartsStatement,
  type NamesStatement,
  type PartStatement,
  type Predicate,
  type PredicateType,
  type ReceiptEvent,
  type RunStatement,
  type Statement,
} from '@bailiwick/contracts/receipts/receipt';
import { parseExactly } from '@bailiwick/core/json';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { subjectPosition, KINDS, type Claims } from './kinds';
import { readStory } from './story';
import { envelopesIn, periodIn } from './web/parts';

/** @see DSSE protocol: PAE(type, body) */
export function preAuthEncoding(type: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);
}

/**
 * Builds the in-toto statement of a receipt. Its subject is the run, the tree or the action, identified by the digest of
 * the event that opens or decides it.
 */
export function makeStatement(claims: Predicate, events: readonly ReceiptEvent[]): RunStatement;
export function makeStatement(claims: Claims, events: readonly ReceiptEvent[]): Statement;
export function makeStatement(claims: Claims, events: readonly ReceiptEvent[]): Statement {
  const { predicateType, name } = aboutOf(claims);
  const story = readStory(events.map(({ body }) => ({ event: parseEvent(body), payload: null })));
  const at = subjectPosition(predicateType, name, story);
  const first = events.find(({ position }) => position === at);
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: sha256hex(first?.body ?? '') } }],
    predicateType,
    predicate: { ...claims, events: [...events] },
  } as Statement;
}

function aboutOf(claims: Claims): { predicateType: PredicateType; name: string } {
  if ('tree' in claims) return { predicateType: TREE_RECEIPT, name: claims.tree.id };
  if ('custody' in claims) return { predicateType: ACTION_RECEIPT, name: claims.custody.actionId };
  return { predicateType: RUN_RECEIPT, name: claims.run.id };
}

/** Reads the statement of an envelope without verifying it. @throws Error with a readable message if it is not a receipt */
export function readUnverified(input: unknown): Statement {
  const [first, ...parts] = envelopesIn(input).map(readOne);
  if (first?.predicateType === RECEIPT_PART)
    throw new Error('the first envelope is a part; give the receipt before its parts');
  if (first?.predicateType === RECEIPT_IN_PARTS) return readParts(first, parts);
  if (first === undefined || parts.length > 0) throw new Error('the file must contain exactly one receipt');
  return first;
}

function readOne(input: unknown): Statement | InPartsStatement | PartStatement {
  const { payload } = envelopeSchema.parse(input);
  const statement = parseExactly(Buffer.from(payload, 'base64').toString()) as { predicateType?: PredicateType };
  const kind =
    statement.predicateType === undefined ? undefined : { ...PREDICATES, ...PARTED }[statement.predicateType];
  if (!kind) throw new Error('the statement is not a receipt of a known type');
  return kind.statement.parse(statement);
}

/** Joins the parts to one receipt, with the claims that follow from their events. */
function readParts(first: InPartsStatement, given: readonly { predicateType: string }[]): Statement {
  const { of, parts } = first.predicate;
  if (given.length !== parts.length)
    throw new Error(
      `the receipt has ${parts.length} parts and the file contains ${given.length}; give the receipt with all its parts`,
    );
  const events = given.flatMap((each) => partStatement.parse(each).predicate.events);
  const story = readStory(
    events.map(({ body, payload }) => ({
      event: parseEvent(body),
      payload: payload == null ? null : valueIn(payload),
    })),
    periodIn(first.predicate),
  );
  return makeStatement(KINDS[of.type].summarise(of.id, story, canonicalDigest), events);
}

const valueIn = (payload: string): Record<string, unknown> => payloadSchema.parse(parseExactly(payload)).value;

/** Serializes to ASCII with other characters escaped: any encoding reads it the same, and parsing takes a third of the time. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

export function signStatement(
  statement: Statement | InPartsStatement | PartStatement | NamesStatement,
  key: KeyObject,
  keyid: string,
): Envelope {
  const body = Buffer.from(asciiJson(statement));
  const sig = sign(null, preAuthEncoding(PAYLOAD_TYPE, body), key);
  return {
    payloadType: PAYLOAD_TYPE,
    payload: body.toString('base64'),
    signatures: [{ keyid, sig: sig.toString('base64') }],
  };
}
