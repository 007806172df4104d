import { verify } from 'node:crypto';
import { parseEvent, payload as payloadSchema, type Event } from '#contracts/event';
import {
  envelope as envelopeSchema,
  PAYLOAD_TYPE,
  statement as statementSchema,
  type Predicate,
  type ReceiptEvent,
  type Statement,
} from '#contracts/receipt';
import { canonicalize } from '#kernel/canonical';
import { saltedDigest } from '#kernel/digest';
import type { Checkpoint } from '#tlog/checkpoint';
import { entryHash, leafHash } from '#tlog/hash';
import { parseVerifierKey, type Verifier } from '#tlog/note';
import { verifyProof } from '#tlog/proof';
import type { KeyObject } from 'node:crypto';
import { custodyOf, isOnlyOpen } from './custody';
import { makeStatement, preAuthEncoding } from './envelope';
import { eventsOfReceipt } from './select';
import { readStory, type Story, type Told } from './story';
import { summarise } from './summary';

export interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}
export interface Verification {
  readonly ok: boolean;
  readonly steps: Step[];
  readonly statement?: Statement | undefined;
}

type LogKey = Verifier & { publicKey: KeyObject };
class Failed extends Error {}
const need = (holds: boolean, why: string): void => {
  if (!holds) throw new Failed(why);
};

/**
 * Checks a receipt with nothing but the verifier key of its log: no network, no database. Steps in order; the first
 * that fails ends it and says where. What it cannot show stands in the receipt itself (`doesNotProve`).
 */
export function verifyReceipt(input: unknown, vkey: string): Verification {
  const steps: Step[] = [];
  let statement: Statement | undefined;
  const step = <T>(name: string, run: () => { value: T; detail: string }): T => {
    try {
      const { value, detail } = run();
      steps.push({ name, ok: true, detail });
      return value;
    } catch (error) {
      steps.push({ name, ok: false, detail: (error as Error).message });
      throw new Failed(name);
    }
  };
  try {
    const key = step('the verifier key is well formed', () => keyOf(vkey));
    const read = step('the envelope is signed by the log', () => openEnvelope(input, key));
    statement = read;
    const { events, ...claims } = read.predicate;
    const told = step('every event is in the log', () => includedEvents(events, key));
    step('every payload is what its event names', () => payloadsMatch(events, told));
    const story = readStory(told);
    step('the claims are what the events say', () => claimsMatch(read, story));
    step('the amounts add up', () => amountsAdd(claims));
    step('every permitted action has custody up to the principal', () => custodyHolds(claims, story));
    return { ok: true, steps, statement };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return { ok: false, steps, statement };
  }
}

function keyOf(vkey: string): { value: LogKey; detail: string } {
  const key = parseVerifierKey(vkey);
  if (!key.ok) throw new Failed(key.error);
  return { value: key.value, detail: key.value.name };
}

function openEnvelope(input: unknown, key: LogKey): { value: Statement; detail: string } {
  const parsed = envelopeSchema.safeParse(input);
  if (!parsed.success)
    throw new Failed(
      `not a receipt: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`,
    );
  const body = Buffer.from(parsed.data.payload, 'base64');
  need(body.toString('base64') === parsed.data.payload, 'the payload is not base64');
  const signature = parsed.data.signatures.find((each) => each.keyid === key.name);
  if (!signature) throw new Failed(`no signature by ${key.name}`);
  const sig = Buffer.from(signature.sig, 'base64');
  need(sig.toString('base64') === signature.sig, `the signature by ${key.name} is not base64`);
  const signed = verify(null, preAuthEncoding(PAYLOAD_TYPE, body), key.publicKey, sig);
  need(signed, `the signature by ${key.name} is not valid`);
  const said: unknown = JSON.parse(body.toString('utf8'));
  const statement = statementSchema.safeParse(said);
  if (!statement.success)
    throw new Failed(
      `the statement is malformed: ${statement.error.issues[0]?.path.join('.') ?? ''} ${statement.error.issues[0]?.message ?? ''}`,
    );
  // what is not held against the events must not stand beside what is
  need(
    canonicalize(said) === canonicalize(statement.data),
    'the statement is malformed: it claims things of no known kind',
  );
  return { value: statement.data, detail: `Ed25519, ${key.name}` };
}

function includedEvents(events: readonly ReceiptEvent[], key: LogKey): { value: Told[]; detail: string } {
  let head: Checkpoint | undefined;
  let last = -1;
  const told = events.map((each): Told => {
    const where = `event ${each.position}`;
    const proved = verifyProof(each.proof, leafHash(entryHash(each.body)), key);
    if (!proved.ok) throw new Failed(`${where}: ${proved.error}`);
    need(proved.value.index === BigInt(each.position), `${where}: its proof is for leaf ${proved.value.index}`);
    need(each.position > last, `${where}: events must stand once each, in the order of the log`);
    last = each.position;
    const event = readEvent(each.body, where);
    need(
      event.position === each.position && event.log === each.log && key.name.endsWith(`/${event.log}`),
      `${where}: its body says another place`,
    );
    const { checkpoint } = proved.value;
    head ??= checkpoint;
    need(checkpoint.root.equals(head.root), `${where}: its proof leads to another tree than those before it`);
    return {
      event,
      payload: each.payload == null ? null : (JSON.parse(each.payload) as { value: Record<string, unknown> }).value,
    };
  });
  return { value: told, detail: `${events.length} events, tree of ${head?.size ?? 0n}` };
}

function readEvent(body: string, where: string): Event {
  try {
    return parseEvent(body);
  } catch {
    throw new Failed(`${where}: its body is no event of a known form`);
  }
}

function payloadsMatch(events: readonly ReceiptEvent[], told: readonly Told[]): { value: void; detail: string } {
  let shown = 0;
  let withheld = 0;
  events.forEach((each, i) => {
    const named = told[i]?.event.payloadDigest;
    if (each.payload == null) {
      if (named !== undefined) withheld += 1;
      return;
    }
    const payload = payloadSchema.safeParse(JSON.parse(each.payload));
    need(
      payload.success &&
        isCanonical(payload.data.salt) &&
        named === saltedDigest(payload.data.salt, payload.data.value),
      `event ${each.position}: its payload is not the one it names`,
    );
    shown += 1;
  });
  return { value: undefined, detail: `${shown} shown, ${withheld} erased or withheld` };
}

/** Bits that base64 leaves unused could be anything. */
const isCanonical = (salt: string): boolean => Buffer.from(salt, 'base64url').toString('base64url') === salt;

function claimsMatch(
  { subject, predicate: { events, ...claims } }: Statement,
  story: Story,
): { value: void; detail: string } {
  need(
    canonicalize(subject) === canonicalize(makeStatement(claims, events).subject),
    'the subject is not the run, by the event that opened it',
  );
  const chosen = new Set(eventsOfReceipt(claims.run.id, story.told));
  const stray = story.told.find((each) => !chosen.has(each));
  need(stray === undefined, `event ${stray?.event.position} does not belong to this run`);
  const again = JSON.parse(JSON.stringify(summarise(claims.run.id, story))) as Record<string, unknown>;
  const given = JSON.parse(JSON.stringify(claims)) as Record<string, unknown>;
  const differing = [...new Set([...Object.keys(again), ...Object.keys(given)])].filter(
    (name) => canonicalize(again[name] ?? null) !== canonicalize(given[name] ?? null),
  );
  need(differing.length === 0, `the claims on ${differing.join(', ')} are not what the events say`);
  return {
    value: undefined,
    detail: `${claims.actions.length} actions, ${claims.denied.length} denied or asked about, ${claims.children.length} children`,
  };
}

function amountsAdd({ actions, spent }: Predicate): { value: void; detail: string } {
  const sums: Record<string, number> = {};
  for (const action of actions)
    for (const [currency, value] of Object.entries(action.cost)) sums[currency] = (sums[currency] ?? 0) + value;
  need(spent.calls === actions.length, `${spent.calls} calls are claimed, ${actions.length} actions listed`);
  need(
    spent.reads + spent.writes + spent.external === spent.calls,
    'reads, writes and external do not add up to the calls',
  );
  need(
    canonicalize(sums) === canonicalize(spent.cost),
    'the costs of the actions do not add up to what is claimed as spent',
  );
  return { value: undefined, detail: `${spent.calls} calls` };
}

function custodyHolds({ actions }: Predicate, story: Story): { value: void; detail: string } {
  for (const action of actions) {
    const { findings } = custodyOf(action.id, story);
    const real = findings.filter((finding) => !(action.outcome === 'open' && isOnlyOpen(finding)));
    need(real.length === 0, `action ${action.id}: ${real.join('; ')}`);
  }
  return { value: undefined, detail: `${actions.length} chains` };
}
