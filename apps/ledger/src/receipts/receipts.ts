import type { KeyObject } from 'node:crypto';
import {
  RUN_RECEIPT,
  type Envelope,
  type Period,
  type PredicateType,
  type ReceiptEvent,
} from '@bailiwick/contracts/receipts/receipt';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { makeStatement, signStatement } from '@bailiwick/receipts/envelope';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { KINDS } from '@bailiwick/receipts/kinds';
import { refsInBodies, withNames } from '@bailiwick/receipts/names';
import { readStory } from '@bailiwick/receipts/story';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import type { LogLedger } from '../follower/log-ledger';
import { ABOUT, inTurn, keptOf, PAGE, type From, type Kept } from './candidates';
import { bytesOf, inPartsStatementOf, mostOfProof, partsOf, partStatementOf, type Cut } from './parts';
import { aboutPeriodOf } from './period-candidates';
import { isOver } from './periods';
import { Altered, TooLarge } from '../rpc/errors';

/** The bounds of one envelope; a larger receipt is made in parts. */
export interface Bounds {
  readonly events: number;
  readonly bytes: number;
  readonly partEvents: number;
}
const BOUNDS: Bounds = {
  events: LIMITS.receiptEvents,
  bytes: LIMITS.receiptBytes,
  partEvents: LIMITS.receiptPartEvents,
};

/** What a receipt is about. */
export interface Subject {
  readonly id: string;
  readonly type: PredicateType;
  /** for a run: a period of it that has started */
  readonly period?: Period | undefined;
}

/** Returns the events of a receipt within a tree of `size` leaves, in order; undefined if there are none. */
async function chosenFor(
  ledger: LogLedger,
  from: From,
  { id, type, period }: Subject,
  size: number,
): Promise<[Kept, ...Kept[]] | undefined> {
  const candidates = await (period ? aboutPeriodOf(ledger, from, id, period) : ABOUT[type](ledger, from, id));
  if (!candidates) return undefined;
  // an event that is not in the tree yet has no proof
  const inTree = candidates.filter(({ event }) => event.position < size);
  const chosen = new Set(KINDS[type].select(id, readStory(inTree, period)).map(({ event }) => event.position));
  const kept = inTree.filter(({ event }) => chosen.has(event.position));
  await unaltered(from, ledger.state.log, kept);
  const [first, ...rest] = kept;
  return first && [first, ...rest];
}

/**
 * Makes the signed receipt of a run, a tree or an action, with a proof of each event. If it is too large for one message,
 * makes the envelope that lists its parts; `partOf` makes each part.
 * @returns undefined if the subject does not exist
 * @throws TooLarge
 */
export async function receiptOf(
  ledger: LogLedger,
  from: From,
  key: KeyObject,
  { id, type = RUN_RECEIPT, period, bounds = BOUNDS, namesOf }: Pick<Subject, 'id'> & Partial<Wanted>,
): Promise<Envelope | undefined> {
  const open = period === undefined || (await isOver(ledger, from, period)) ? {} : { open: true as const };
  const wanted: Wanted = { id, type, bounds, namesOf, ...(period ? { period: { ...period, ...open } } : {}) };
  return inTurn(ledger, from, bounds.events, (held) => madeOf(ledger, held, key, wanted));
}

interface Wanted extends Subject {
  readonly bounds: Bounds;
  /** reads the names of people, for a reader that may see them */
  readonly namesOf?: ((refs: readonly string[]) => Promise<PersonNames>) | undefined;
}

async function madeOf(ledger: LogLedger, from: From, key: KeyObject, wanted: Wanted): Promise<Envelope | undefined> {
  const kept = await chosenFor(ledger, from, wanted, ledger.position);
  if (!kept) return undefined;
  const envelope = await signedOf(ledger, key, wanted, kept);
  const names = await wanted.namesOf?.(refsInBodies(kept.map(({ stored: { body } }) => body)));
  return names ? withNames(envelope, wanted.id, names, key, ledger.origin) : envelope;
}

async function signedOf(ledger: LogLedger, key: KeyObject, wanted: Wanted, kept: [Kept, ...Kept[]]): Promise<Envelope> {
  const { id, type, period, bounds } = wanted;
  const claims = KINDS[type].summarise(id, readStory(kept, period), canonicalDigest);
  if (kept.length <= bounds.events && bytesOf(kept) <= bounds.bytes) {
    const proofs = await ledger.proofs(positionsOf(kept));
    const envelope = signStatement(makeStatement(claims, proved(kept, proofs)), key, ledger.origin);
    if (envelope.payload.length <= bounds.bytes) return envelope;
  }
  const { size, note } = await ledger.head((kept.at(-1) ?? kept[0]).event.position + 1);
  const cut = partsOf({ ...wanted, size, kept, claims, proofBytes: mostOfProof(size, note) });
  ledger.inParts.keep(keyOf(wanted, size), cut);
  const envelope = signStatement(inPartsStatementOf(cut), key, ledger.origin);
  if (envelope.payload.length > bounds.bytes)
    throw new TooLarge(`the receipt has ${cut.predicate.parts.length} parts, too many to list in one envelope`);
  return envelope;
}

/**
 * Makes one part of a receipt whose parts `receiptOf` listed, for the tree size stated there. If the cut is no longer
 * cached, it is computed again with the same result.
 * @returns undefined if the receipt, the part or the size does not exist
 */
export async function partOf(
  ledger: LogLedger,
  from: From,
  key: KeyObject,
  { part, size, bounds = BOUNDS, ...subject }: Subject & { part: number; size: number; bounds?: Bounds },
): Promise<Envelope | undefined> {
  const head = size <= ledger.position ? await from.store.heads.at(ledger.state.log, size) : undefined;
  if (!head) return undefined;
  const cut =
    ledger.inParts.get(keyOf(subject, size)) ??
    (await inTurn(ledger, from, bounds.events, (held) => cutAgain(ledger, held, { ...subject, head, bounds })));
  const positions = cut?.positions[part];
  if (!cut || !positions) return undefined;
  const stored = await from.eventlog.at(ledger.state.log, positions);
  const kept = stored.map(keptOf);
  kept.sort((a, b) => a.event.position - b.event.position);
  await unaltered(from, ledger.state.log, kept);
  const proofs = await ledger.proofs(positions, size);
  return signStatement(partStatementOf(cut, part, proved(kept, proofs)), key, ledger.origin);
}

async function cutAgain(
  ledger: LogLedger,
  from: From,
  { head, ...wanted }: Wanted & { readonly head: Head },
): Promise<Cut | undefined> {
  const { size, note } = head;
  const kept = await chosenFor(ledger, from, wanted, size);
  if (!kept) return undefined;
  const { id, type, period } = wanted;
  const claims = KINDS[type].summarise(id, readStory(kept, period), canonicalDigest);
  const cut = partsOf({ ...wanted, size, kept, claims, proofBytes: mostOfProof(size, note) });
  ledger.inParts.keep(keyOf(wanted, size), cut);
  return cut;
}

type Head = { readonly size: number; readonly note: string };
const keyOf = ({ id, type, period }: Subject, size: number): string =>
  [type, id, size, ...(period ? [period.from, period.until] : [])].join(' ');
const positionsOf = (kept: readonly Kept[]): number[] => kept.map(({ event: { position } }) => position);

const proved = (kept: readonly Kept[], proofs: ReadonlyMap<number, string>): ReceiptEvent[] =>
  kept.map(({ stored: { log, position, body, payload }, payload: words }) => ({
    log,
    position,
    body,
    // a payload that does not match the digest in its event is withheld
    payload: words === null ? null : (payload ?? null),
    proof: proofs.get(position) as string,
  }));

/**
 * Checks that each event matches the leaf at its position in the tree; otherwise the receipt could not be verified.
 * @throws Altered with the position of the first that does not
 */
async function unaltered({ store }: From, log: string, kept: readonly Kept[]): Promise<void> {
  for (let from = 0; from < kept.length; from += PAGE) await unalteredPage(store, log, kept.slice(from, from + PAGE));
}

async function unalteredPage(store: From['store'], log: string, kept: readonly Kept[]): Promise<void> {
  const leaf = await store.nodes(
    log,
    kept.map(({ stored: { position } }) => ({ level: 0, index: position })),
  );
  const wrong = kept.find(
    ({ event, stored: { body, position } }) =>
      event.position !== position || !leaf(0, position)?.equals(leafHash(entryHash(body))),
  );
  if (wrong)
    throw new Altered(
      `the event at position ${wrong.stored.position} of ${log} differs from the signed leaf; run \`bailiwick log verify\` to find the change`,
    );
}
