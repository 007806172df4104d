import {
  envelope as envelopeSchema,
  PARTED,
  PAYLOAD_TYPE,
  PREDICATES,
  RECEIPT_IN_PARTS,
  RECEIPT_PART,
  STATEMENT_TYPE,
  type Envelope,
  type InPartsStatement,
  type PartedType,
  type PartStatement,
  type PredicateType,
  type Statement,
} from '@bailiwick/contracts/receipts/receipt';
import { canonicalize } from '@bailiwick/core/canonical';
import { ambiguityIn } from '@bailiwick/core/json';
import { z } from 'zod';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import type { DigestOf } from '../chain';
import { idOf, KINDS, periodOf } from '../kinds';
import { readStory } from '../story';
import { claimedBy, claimsMatch, custodyHolds, sumsHold } from './checked-claims';
import { concat, utf8, type Crypto } from './crypto';
import { Failed, need } from './failed';
import { Inclusion } from './inclusion';
import { readLogKeys, readWitnessKeys, type NoteKey } from './note';
import { envelopesIn, joined, missingParts, type Whole } from './parts';
import { included, payloadsOf } from './proved-events';
import { namesIn } from './signed-names';

/** The steps of a verification, in their order. */
export const STEPS = {
  key: 'the verifier key is well formed',
  envelope: 'the file is a DSSE envelope',
  signature: 'the envelope is signed by the log',
  names: 'the names of people are signed by the log for this receipt',
  statement: 'the envelope holds an in-toto statement about a receipt',
  schema: 'the predicate is of its published schema',
  parts: 'every part of the receipt is present, once and in order',
  proofs: 'every event is in the log',
  witnesses: 'the tree was cosigned by the required witnesses',
  payloads: 'every payload matches the digest in its event',
  custody: 'every permitted action has custody up to the principal',
  claims: 'the claims follow from the events',
  sums: 'the amounts add up to the counters',
} as const;
export type StepId = keyof typeof STEPS;

export interface Step {
  readonly step: StepId;
  /** human-readable, from `STEPS` */
  readonly name: string;
  readonly ok: boolean;
  /** the result; for the step that failed, the reason */
  readonly detail: string;
  /** position of the event at which it failed */
  readonly position?: number;
  /** the claim that failed */
  readonly claim?: string;
}
export interface Verification {
  readonly ok: boolean;
  /** up to the one that failed */
  readonly steps: Step[];
  /** the statement, if it could be read; trust it only if `ok` */
  readonly statement?: Statement | undefined;
  /** the names of the people in it, if the receipt has names; present only if `ok` */
  readonly names?: PersonNames;
}

export interface VerifyOptions {
  /** verifier keys of witnesses whose cosignatures on the tree are verified and reported */
  readonly witnesses?: readonly string[];
  /** how many of them must have cosigned; 0 by default */
  readonly quorum?: number;
}

/**
 * Verifies a receipt offline with only the verifier keys of its log. The steps run in order and end at the first failure,
 * which reports its location. The receipt itself lists what it does not prove (`doesNotProve`).
 * @param input the text of the file, or its parsed JSON if the parser rejected duplicate members
 * @param vkeys the log's verifier key, or all its keys after a rotation
 */
export function verifyWith(
  crypto: Crypto,
  input: unknown,
  vkeys: string | readonly string[],
  { witnesses = [], quorum = 0 }: VerifyOptions = {},
): Verification {
  const steps: Step[] = [];
  let statement: Statement | undefined;
  const step = <T>(id: StepId, run: () => [value: T, detail: string]): T => {
    const name = STEPS[id];
    try {
      const [value, detail] = run();
      steps.push({ step: id, name, ok: true, detail });
      return value;
    } catch (error) {
      const where = error instanceof Failed ? { position: error.position, claim: error.claim } : {};
      steps.push({ step: id, name, ok: false, detail: (error as Error).message, ...where });
      throw new Ended();
    }
  };
  const digestOf: DigestOf = (value) => `sha256:${crypto.sha256hex(canonicalize(value))}`;
  try {
    const keys = step('key', () => {
      const read = readLogKeys(crypto, vkeys);
      return [read, `${read[0].name}${read.length > 1 ? `, ${read.length} keys` : ''}`];
    });
    const cosigners = witnesses.length > 0 ? step('witnesses', () => readWitnesses(crypto, witnesses)) : [];
    const envelopes = step('envelope', () => readEnvelopes(input));
    const signed = step('signature', () => checkSignatures(crypto, envelopes, keys));
    const names = envelopes.some((each) => each.names)
      ? step('names', () => checkNames(crypto, envelopes, signed, keys))
      : undefined;
    const parsedStatements = step('statement', () => readStatements(crypto, signed));
    const read = step('schema', () => readPredicates(parsedStatements));
    if ('predicate' in read) statement = read;
    const whole = 'predicate' in read ? wholeOf(read) : step('parts', () => allParts(crypto, read));
    const inclusion = new Inclusion(crypto, keys, cosigners);
    const bodies = step('proofs', () => included(whole.events, inclusion, keys[0].name));
    if (!('predicate' in read)) step('parts', () => inTreeOf(read.first, inclusion));
    if (cosigners.length > 0) step('witnesses', () => cosigned(inclusion, quorum));
    const entries = step('payloads', () => payloadsOf(crypto, whole.events, bodies));
    const story = readStory(entries, whole.period);
    step('custody', () => custodyHolds(whole.id, story, digestOf));
    const { events: _, ...claims } = step('claims', () => {
      statement ??= claimedBy((read as InParts).first, whole, story, digestOf);
      return [statement.predicate, claimsMatch(crypto, statement, story, digestOf)];
    });
    step('sums', () => sumsHold(claims, story, KINDS[whole.type].whole));
    return { ok: true, steps, statement, ...(names ? { names } : {}) };
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    return { ok: false, steps, statement };
  }
}

/** Thrown after a failed step to skip the remaining ones. */
class Ended extends Error {}

function readWitnesses(crypto: Crypto, vkeys: readonly string[]): [NoteKey[], string] {
  const keys = readWitnessKeys(crypto, vkeys);
  return [keys, `keys of ${keys.map(({ name }) => name).join(', ')}`];
}

function readEnvelopes(input: unknown): [Envelope[], string] {
  const given = textIn(input);
  need(given.length > 0, 'not a receipt: the file contains no envelope');
  const read = given.map((each, i) => {
    const parsed = envelopeSchema.safeParse(each);
    const which = given.length === 1 ? '' : `envelope ${i}: `;
    return parsed.success ? parsed.data : need(false, `not a receipt: ${which}${issueOf(parsed.error)}`);
  });
  return [read, `${PAYLOAD_TYPE}${read.length > 1 ? `, ${read.length} envelopes` : ''}`];
}

/** Refuses duplicate members: another verifier might read a different receipt. */
function textIn(input: unknown): readonly unknown[] {
  try {
    return envelopesIn(input);
  } catch (error) {
    return need(false, `not a receipt: ${(error as Error).message}`);
  }
}

/** Checks each envelope. With several envelopes, a failure names the index of its envelope. */
function ofEach<A, B>(all: readonly A[], check: (each: A) => [B, string]): [B[], string] {
  const done = all.map((each, i) => {
    try {
      return check(each);
    } catch (error) {
      if (all.length === 1) throw error;
      throw new Failed(`envelope ${i}: ${(error as Error).message}`);
    }
  });
  const detail = done[0]?.[1] ?? '';
  return [done.map(([value]) => value), all.length > 1 ? `${detail}, and ${all.length - 1} parts` : detail];
}

const checkSignatures = (crypto: Crypto, all: readonly Envelope[], keys: readonly NoteKey[]): [Uint8Array[], string] =>
  ofEach(all, (each) => checkSignature(crypto, each, keys));

function checkSignature(crypto: Crypto, envelope: Envelope, keys: readonly NoteKey[]): [Uint8Array, string] {
  const body = crypto.fromBase64(envelope.payload);
  if (!body) return need(false, 'the payload is not canonical base64');
  const name = keys[0]?.name ?? '';
  const signature = envelope.signatures.find(({ keyid }) => keyid === name);
  if (!signature) return need(false, `no signature by ${name}`);
  const sig = crypto.fromBase64(signature.sig);
  if (sig?.length !== 64)
    return need(false, `the signature by ${name} is not an Ed25519 signature in canonical base64`);
  // DSSE signs the type together with the body. @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
  const signed = concat(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${body.length} `), body);
  const key = keys.find((each) => each.verify(signed, sig));
  if (!key) return need(false, `the signature by ${name} is not valid`);
  return [body, `Ed25519, ${key.name}${keys.length > 1 ? ` (${key.id})` : ''}`];
}

function checkNames(
  crypto: Crypto,
  [first, ...parts]: readonly Envelope[],
  [receipt]: readonly Uint8Array[],
  keys: readonly NoteKey[],
): [PersonNames, string] {
  need(parts.every(({ names }) => !names) && first?.names !== undefined, 'only the first envelope may have names');
  const [body] = checkSignature(crypto, first?.names, keys);
  return namesIn(crypto, body, receipt as Uint8Array);
}

type ParsedStatement = readonly [type: PredicateType | PartedType, value: unknown];

const readStatements = (crypto: Crypto, bodies: readonly Uint8Array[]): [ParsedStatement[], string] =>
  ofEach(bodies, (each) => readStatement(crypto, each));

const KNOWN = { ...PREDICATES, ...PARTED };

function readStatement(crypto: Crypto, body: Uint8Array): [ParsedStatement, string] {
  const text = crypto.text(body);
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return need(false, 'the statement is malformed: it is not valid JSON');
  }
  const wrong = ambiguityIn(text ?? '');
  need(wrong === undefined, `the statement is malformed: ${wrong}`);
  const { _type, predicateType } = (value ?? {}) as { _type?: unknown; predicateType?: unknown };
  need(_type === STATEMENT_TYPE, `the statement is malformed: its type is not ${STATEMENT_TYPE}`);
  need(
    typeof predicateType === 'string' && Object.hasOwn(KNOWN, predicateType),
    `the statement is malformed: its predicate type is not one of ${Object.keys(KNOWN).join(', ')}`,
  );
  return [[predicateType as PredicateType | PartedType, value], predicateType];
}

const readers = new Map<string, z.ZodType>();

/** Strict: a receipt must not contain members that are not compared with the events. */
function readPredicate([type, value]: ParsedStatement): [unknown, string] {
  const { statement, schema } = KNOWN[type];
  const reader = readers.get(type) ?? z.compile(statement as z.ZodType);
  readers.set(type, reader);
  const parsed = reader.safeParse(value);
  if (!parsed.success) return need(false, `the statement is malformed: ${issueOf(parsed.error)}`);
  return [parsed.data, schema];
}

/** A receipt in parts: the envelope that lists the parts, and the parts themselves. */
interface InParts {
  readonly first: InPartsStatement;
  readonly parts: readonly PartStatement[];
}

function readPredicates(parsedStatements: readonly ParsedStatement[]): [Statement | InParts, string] {
  const [read, detail] = ofEach(parsedStatements, readPredicate);
  const [first, ...parts] = read as [Statement | InPartsStatement | PartStatement, ...PartStatement[]];
  if (first.predicateType === RECEIPT_PART) {
    const { part, parts: count } = first.predicate;
    return need(
      false,
      `the first envelope is part ${part} of ${count} of a receipt; give the receipt first, then its parts`,
    );
  }
  if (first.predicateType !== RECEIPT_IN_PARTS) {
    need(
      parts.length === 0,
      `the first envelope is a complete receipt; give it without the other ${parts.length} envelopes`,
    );
    return [first, detail];
  }
  const other = parts.findIndex(({ predicateType }) => predicateType !== RECEIPT_PART);
  need(other < 0, `envelope ${other + 1} is not a part of a receipt; give only the receipt and then its parts`);
  return [{ first, parts }, detail];
}

const wholeOf = (read: Statement): Whole => ({
  type: read.predicateType,
  id: idOf(read),
  period: periodOf(read),
  subject: read.subject,
  events: read.predicate.events,
});

function allParts(crypto: Crypto, { first, parts }: InParts): [Whole, string] {
  const count = first.predicate.parts.length;
  if (parts.length === 0) return need(false, missingParts(count, [...first.predicate.parts.keys()]));
  return [joined(crypto, first, parts), `${count} parts, ${first.predicate.count} events, one root`];
}

function inTreeOf({ predicate }: InPartsStatement, { tree }: Inclusion): [undefined, string] {
  need(tree?.size === predicate.size, `the events are in the tree of ${tree?.size} leaves, not ${predicate.size}`);
  return [undefined, `all in the tree of ${predicate.size} leaves`];
}

const issueOf = ({ issues: [issue] }: z.ZodError): string =>
  `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'malformed'}`;

function cosigned({ tree }: Inclusion, quorum: number): [undefined, string] {
  const by = tree?.witnessedBy ?? [];
  const cosigners = by.map(({ name, time }) => `${name} at ${time}`).join(', ');
  need(
    by.length >= quorum,
    `${by.length} of the known witnesses cosigned (${cosigners || 'none'}); ${quorum} are required`,
  );
  return [undefined, cosigners || 'none of the known witnesses'];
}
