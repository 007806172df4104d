import type { Event } from '@bailiwick/contracts/event';
import { parseEvent, payload as payloadSchema } from '@bailiwick/contracts/event';
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
  type ReceiptEvent,
  type Statement,
} from '@bailiwick/contracts/receipt';
import { canonicalize } from '@bailiwick/core/canonical';
import { ambiguityIn, parseExactly } from '@bailiwick/core/json';
import { z } from 'zod';
import { findingsOf, isOnlyOpen, type DigestOf } from '../chain';
import { countersOf } from '../counters';
import { beginsWith, idOf, KINDS, type Claims } from '../kinds';
import { readStory, type Story, type StoryEntry } from '../story';
import { DID_NOT_PROVE } from '../summary';
import { concat, utf8, type Crypto } from './crypto';
import { Failed, need } from './failed';
import { Inclusion } from './inclusion';
import { readLogKeys, readWitnessKeys, type NoteKey } from './note';
import { claimsDigest, envelopesIn, joined, missingParts, type Whole } from './parts';
import { sumsOf } from './sums';

/** The steps of a verification, in their order. */
export const STEPS = {
  key: 'the verifier key is well formed',
  envelope: 'the file is a DSSE envelope',
  signature: 'the envelope is signed by the log',
  statement: 'the envelope holds an in-toto statement about a receipt',
  schema: 'the predicate is of its published schema',
  parts: 'every part of the receipt is there, once and in order',
  proofs: 'every event is in the log',
  witnesses: 'the tree was cosigned by the witnesses asked for',
  payloads: 'every payload is what its event names',
  custody: 'every permitted action has custody up to the principal',
  claims: 'the claims are what the events say',
  sums: 'the amounts add up to the counters',
} as const;
export type StepId = keyof typeof STEPS;

export interface Step {
  readonly step: StepId;
  /** in words: `STEPS` */
  readonly name: string;
  readonly ok: boolean;
  /** what was found; of the step that failed, why */
  readonly detail: string;
  /** of the event at which it failed */
  readonly position?: number;
  /** the claim that failed */
  readonly claim?: string;
}
export interface Verification {
  readonly ok: boolean;
  /** up to the one that failed */
  readonly steps: Step[];
  /** as far as it could be read; believe it only where `ok` */
  readonly statement?: Statement | undefined;
}

export interface VerifyOptions {
  /** verifier keys of witnesses: their cosignatures on the tree are verified, and told of */
  readonly witnesses?: readonly string[];
  /** how many of them must have cosigned; 0 without a word */
  readonly quorum?: number;
}

/**
 * Checks a receipt with nothing but the verifier keys of its log: no network, no database. Steps in order; the first
 * that fails ends it and says where. What it cannot show stands in the receipt itself (`doesNotProve`).
 * @param input the text of the file; or its JSON, parsed by whoever has seen to it that no member stands there twice
 * @param vkeys the log's verifier key; or its keys, where it was changed
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
    const said = step('statement', () => readStatements(crypto, signed));
    const read = step('schema', () => readPredicates(said));
    if ('predicate' in read) statement = read;
    const whole = 'predicate' in read ? wholeOf(read) : step('parts', () => allParts(crypto, read));
    const inclusion = new Inclusion(crypto, keys, cosigners);
    const bodies = step('proofs', () => included(whole.events, inclusion, keys[0].name));
    if (!('predicate' in read)) step('parts', () => inTreeOf(read.first, inclusion));
    if (cosigners.length > 0) step('witnesses', () => cosigned(inclusion, quorum));
    const entries = step('payloads', () => payloadsOf(crypto, whole.events, bodies));
    const story = readStory(entries);
    step('custody', () => custodyHolds(whole.id, story, digestOf));
    const { events: _, ...claims } = step('claims', () => {
      statement ??= claimedBy((read as InParts).first, whole, story, digestOf);
      return [statement.predicate, claimsMatch(crypto, statement, story, digestOf)];
    });
    step('sums', () => sumsHold(claims, story, KINDS[whole.type].whole));
    return { ok: true, steps, statement };
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    return { ok: false, steps, statement };
  }
}

/** A step has failed: there is no next one. */
class Ended extends Error {}

function readWitnesses(crypto: Crypto, vkeys: readonly string[]): [NoteKey[], string] {
  const keys = readWitnessKeys(crypto, vkeys);
  return [keys, `keys of ${keys.map(({ name }) => name).join(', ')}`];
}

function readEnvelopes(input: unknown): [Envelope[], string] {
  const given = textIn(input);
  need(given.length > 0, 'not a receipt: there is no envelope');
  const read = given.map((each, i) => {
    const parsed = envelopeSchema.safeParse(each);
    const which = given.length === 1 ? '' : `envelope ${i}: `;
    return parsed.success ? parsed.data : need(false, `not a receipt: ${which}${issueOf(parsed.error)}`);
  });
  return [read, `${PAYLOAD_TYPE}${read.length > 1 ? `, ${read.length} envelopes` : ''}`];
}

/** Two members of one name would be read by another verifier as another receipt. */
function textIn(input: unknown): readonly unknown[] {
  try {
    return envelopesIn(input);
  } catch (error) {
    return need(false, `not a receipt: ${(error as Error).message}`);
  }
}

/** Runs a check of each envelope; where there are several, what fails names which, from 0. */
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
  if (sig?.length !== 64) return need(false, `the signature by ${name} is no Ed25519 signature in canonical base64`);
  // DSSE: what is signed is the type with the body. @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
  const signed = concat(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${body.length} `), body);
  const key = keys.find((each) => each.verify(signed, sig));
  if (!key) return need(false, `the signature by ${name} is not valid`);
  return [body, `Ed25519, ${key.name}${keys.length > 1 ? ` (${key.id})` : ''}`];
}

type Said = readonly [type: PredicateType | PartedType, value: unknown];

const readStatements = (crypto: Crypto, bodies: readonly Uint8Array[]): [Said[], string] =>
  ofEach(bodies, (each) => readStatement(crypto, each));

const KNOWN = { ...PREDICATES, ...PARTED };

function readStatement(crypto: Crypto, body: Uint8Array): [Said, string] {
  const text = crypto.text(body);
  let said: unknown;
  try {
    said = JSON.parse(text ?? '');
  } catch {
    return need(false, 'the statement is malformed: it is no JSON');
  }
  const wrong = ambiguityIn(text ?? '');
  need(wrong === undefined, `the statement is malformed: ${wrong}`);
  const { _type, predicateType } = (said ?? {}) as { _type?: unknown; predicateType?: unknown };
  need(_type === STATEMENT_TYPE, `the statement is malformed: its type is not ${STATEMENT_TYPE}`);
  need(
    typeof predicateType === 'string' && Object.hasOwn(KNOWN, predicateType),
    `the statement is malformed: its predicate type is none of ${Object.keys(KNOWN).join(', ')}`,
  );
  return [[predicateType as PredicateType | PartedType, said], predicateType];
}

const readers = new Map<string, z.ZodType>();

/** Strict: what is not held against the events must not stand beside what is. */
function readPredicate([type, said]: Said): [unknown, string] {
  const { statement, schema } = KNOWN[type];
  const reader = readers.get(type) ?? z.compile(statement as z.ZodType);
  readers.set(type, reader);
  const parsed = reader.safeParse(said);
  if (!parsed.success) return need(false, `the statement is malformed: ${issueOf(parsed.error)}`);
  return [parsed.data, schema];
}

/** A receipt in parts: the envelope that names them, and those that were given with it. */
interface InParts {
  readonly first: InPartsStatement;
  readonly parts: readonly PartStatement[];
}

function readPredicates(said: readonly Said[]): [Statement | InParts, string] {
  const [read, detail] = ofEach(said, readPredicate);
  const [first, ...parts] = read as [Statement | InPartsStatement | PartStatement, ...PartStatement[]];
  if (first.predicateType === RECEIPT_PART) {
    const { part, parts: count } = first.predicate;
    return need(
      false,
      `the first envelope is part ${part} of ${count} of a receipt; give the receipt first, then its parts`,
    );
  }
  if (first.predicateType !== RECEIPT_IN_PARTS) {
    need(parts.length === 0, `the first envelope is a receipt in one part; give it without the other ${parts.length}`);
    return [first, detail];
  }
  const other = parts.findIndex(({ predicateType }) => predicateType !== RECEIPT_PART);
  need(other < 0, `envelope ${other + 1} is no part of a receipt; give the receipt and then its parts alone`);
  return [{ first, parts }, detail];
}

const wholeOf = (read: Statement): Whole => ({
  type: read.predicateType,
  id: idOf(read),
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

/** The receipt that the parts are of: its claims are made from the events, and are those that its digest names. */
function claimedBy(first: InPartsStatement, whole: Whole, story: Story, digestOf: DigestOf): Statement {
  const { type, id, subject, events } = whole;
  const claims = KINDS[type].summarise(id, story, digestOf);
  need(
    claimsDigest(claims, digestOf) === first.predicate.claims,
    'the claims that the receipt names by digest are not what the events of its parts say',
  );
  return { _type: STATEMENT_TYPE, subject, predicateType: type, predicate: { ...claims, events } } as Statement;
}

const issueOf = ({ issues: [issue] }: z.ZodError): string =>
  `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'malformed'}`;

/** Each body is the event at its place in the log; in the order of the log, all in one tree. */
function included(events: readonly ReceiptEvent[], inclusion: Inclusion, origin: string): [Event[], string] {
  let last = -1;
  const read = events.map(({ position, body, proof, log }): Event => {
    at(position, () => inclusion.verify(body, position, proof));
    need(position > last, `event ${position}: events must stand once each, in the order of the log`, position);
    last = position;
    const event = readEvent(body, position);
    need(
      event.position === position && event.log === log && origin.endsWith(`/${log}`),
      `event ${position}: its body says another place`,
      position,
    );
    return event;
  });
  return [read, `${events.length} events, tree of ${inclusion.tree?.size ?? 0}`];
}

/** Says of which event a check failed. */
function at(position: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Failed(`event ${position}: ${(error as Error).message}`, position);
  }
}

function readEvent(body: string, position: number): Event {
  let event: Event;
  try {
    event = parseEvent(body);
  } catch {
    return need(false, `event ${position}: its body is no event of a known form`, position);
  }
  const wrong = ambiguityIn(body);
  need(wrong === undefined, `event ${position}: in its body, ${wrong}`, position);
  return event;
}

function cosigned({ tree }: Inclusion, quorum: number): [undefined, string] {
  const by = tree?.witnessedBy ?? [];
  const told = by.map(({ name, time }) => `${name} at ${time}`).join(', ');
  need(by.length >= quorum, `${by.length} of the known witnesses cosigned (${told || 'nobody'}); ${quorum} must have`);
  return [undefined, told || 'by none of the known witnesses'];
}

/** What stands beside each event, where it is shown: exactly what the event names by its salted digest. */
function payloadsOf(crypto: Crypto, shown: readonly ReceiptEvent[], events: readonly Event[]): [StoryEntry[], string] {
  let absent = 0;
  const entries = events.map((event, i): StoryEntry => {
    const text = shown[i]?.payload ?? null;
    if (text === null) {
      if (event.payloadDigest !== undefined) absent += 1;
      return { event, payload: null };
    }
    const value = payloadOf(crypto, text, event.payloadDigest);
    need(value !== undefined, `event ${event.position}: its payload is not the one it names`, event.position);
    return { event, payload: value };
  });
  return [entries, `${shown.filter(({ payload }) => payload != null).length} shown, ${absent} erased or withheld`];
}

const readPayload = z.compile(payloadSchema);

function payloadOf(crypto: Crypto, text: string, named: string | undefined): Record<string, unknown> | undefined {
  let raw: unknown;
  try {
    raw = parseExactly(text);
  } catch {
    return undefined;
  }
  const payload = readPayload.safeParse(raw);
  if (!payload.success) return undefined;
  const { salt, value } = payload.data;
  // 22 characters of base64url hold 16 bytes and four bits more, which must be unused
  if (!/[AQgw]$/.test(salt)) return undefined;
  return named === `sha256:${crypto.saltedHex(salt, canonicalize(value))}` ? value : undefined;
}

/** I7, I2, I8 of every action that was permitted to what the receipt is about. */
function custodyHolds(about: string, story: Story, digestOf: DigestOf): [undefined, string] {
  const actions = permittedIn(about, story);
  for (const { id, position } of actions) {
    const real = findingsOf(id, story, digestOf).filter((finding) => !isOnlyOpen(finding));
    need(real.length === 0, `action ${id}: ${real.join('; ')}`, position);
  }
  return [undefined, `${actions.length} chains`];
}

/** From the events, whatever the claims say. */
function permittedIn(id: string, story: Story): { id: string; position: number }[] {
  return [...story.decisions].flatMap(([actionId, { event }]) =>
    event.type === 'ActionPermitted' && [event.runId, event.treeId, actionId].includes(id)
      ? [{ id: actionId, position: event.position }]
      : [],
  );
}

function claimsMatch(crypto: Crypto, statement: Statement, story: Story, digestOf: DigestOf): string {
  const { events: _, ...given }: Claims & { events: unknown } = statement.predicate;
  const { predicateType: type, subject } = statement;
  const kind = KINDS[type];
  const id = idOf(statement);
  const begin = beginsWith(type, id, story);
  const body = statement.predicate.events.find(({ position }) => position === begin)?.body;
  need(
    body !== undefined && isSame(subject, [{ name: id, digest: { sha256: crypto.sha256hex(body) } }]),
    `the subject is not the ${kind.about}, by the event that it begins with`,
    begin,
    'subject',
  );
  const chosen = new Set(kind.select(id, story));
  const stray = story.entries.find((each) => !chosen.has(each))?.event.position;
  need(stray === undefined, `event ${stray} does not belong to this ${kind.about}`, stray);
  const today = kind.summarise(id, story, digestOf);
  const again = (isSame(given.doesNotProve, DID_NOT_PROVE) ? asFirst(today) : today) as unknown as Record<
    string,
    unknown
  >;
  const differing = Object.keys({ ...again, ...given }).filter(
    (name) => !isSame(again[name], (given as unknown as Record<string, unknown>)[name]),
  );
  const [first] = differing;
  need(
    first === undefined,
    `the claims on ${differing.join(', ')} are not what the events say`,
    undefined,
    first && pathOf(first, again[first], (given as unknown as Record<string, unknown>)[first]),
  );
  return `${Object.keys(again).length} claims about ${kind.about} ${id}`;
}

/** The claims as the first release made them: without who stated `requestedBy`, which they do not list as unproven. */
function asFirst(claims: Claims): Claims {
  const { requestedByStatedBy: _, ...rest } = claims;
  const runs = 'runs' in rest ? { runs: rest.runs.map(({ requestedByStatedBy: __, ...run }) => run) } : {};
  return { ...rest, ...runs, doesNotProve: DID_NOT_PROVE };
}

/** As JSON values; a member that is undefined is one that is not there. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, two] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of Object.keys(one)) if (!isSame(one[key], two[key])) return false;
  for (const key of Object.keys(two)) if (one[key] === undefined && two[key] !== undefined) return false;
  return true;
}

/** Where the first difference is: `actions.3.cost.USD`. */
function pathOf(path: string, a: unknown, b: unknown): string {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path;
  const [one, two] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const key = Object.keys({ ...one, ...two }).find((each) => !isSame(one[each], two[each]));
  return key === undefined ? path : pathOf(`${path}.${key}`, one[key], two[key]);
}

function sumsHold(claims: Claims, story: Story, whole: boolean): [undefined, string] {
  const detail = sumsOf(claims);
  const [wrong] = countersOf(story, whole);
  need(wrong === undefined, `event ${wrong?.position}: ${wrong?.says}`, wrong?.position);
  return [undefined, detail];
}
