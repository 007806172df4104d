import type { KeyObject } from 'node:crypto';
import { asideBy } from '@bailiwick/authority/state/set-aside';
import { selects, type Subject } from '@bailiwick/authority/revocation/rule-set';
import { subjectOf } from '@bailiwick/authority/revocation/revocation-rules';
import type { LogState, RunNode } from '@bailiwick/authority/state/state';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import {
  ACTION_RECEIPT,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type BrokeredCustody,
  type Custody,
  type Envelope,
  type PredicateType,
  type ReceiptEvent,
} from '@bailiwick/contracts/receipts/receipt';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { SearchFilter } from '@bailiwick/event-store/port';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { custodyOf } from '@bailiwick/receipts/custody';
import { makeStatement, signStatement } from '@bailiwick/receipts/envelope';
import { KINDS } from '@bailiwick/receipts/kinds';
import { OF_ANCESTORS, OF_CHILDREN } from '@bailiwick/receipts/select';
import { readStory, type Story, type StoryEntry } from '@bailiwick/receipts/story';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { findState } from '../search/find-by-id';
import type { LogLedger } from '../follower/log-ledger';
import { bytesOf, inPartsStatementOf, mostOfProof, partsOf, partStatementOf, type Cut } from './parts';
import { Altered, TooLarge, Unreadable } from '../rpc/errors';
import type { Sources } from '../connections/sources';

/** The stores to read from. */
type From = Sources & {
  /** the maximum number of events to hold in memory */
  readonly most?: number;
};

/** A receipt has more events than a request may hold in memory outside the queue of its log. */
class Larger extends Error {}

/** Builds small receipts at once, and large ones one at a time for each log, to bound the memory they use. */
async function inTurn<T>(ledger: LogLedger, from: From, most: number, work: (from: From) => Promise<T>): Promise<T> {
  const { eventlog, store } = from;
  try {
    return await work({ eventlog, store, most });
  } catch (error) {
    if (!(error instanceof Larger)) throw error;
    return await ledger.gathering.take(() => work({ eventlog, store, most: LIMITS.receiptEventsInAll }));
  }
}

/** A stored event, parsed for a receipt. */
type Kept = StoryEntry & { readonly stored: StoredEvent };

/** @throws Unreadable rather than sign an incomplete account */
function keptOf(stored: StoredEvent): Kept {
  const read = readWhereReadable(stored);
  if (!read) throw new Unreadable(stored.position);
  if (read.event.type === 'EventSetAside') throw new Unreadable(read.event.data.position);
  return { ...read, stored };
}

/** events read by one query */
const PAGE = 5_000;

/** Collects events by their subjects, each once. @throws TooLarge rather than omit any */
class Candidates {
  private readonly found = new Map<number, StoredEvent>();

  constructor(
    private readonly eventlog: From['eventlog'],
    private readonly state: LogState,
    private readonly most: number = LIMITS.receiptEvents,
  ) {}

  async search(filter: Omit<SearchFilter, 'tenant' | 'log' | 'limit'>): Promise<void> {
    const { tenant, log } = this.state;
    for (let after = -1; ;) {
      const page = await this.eventlog.search({ tenant, log, ...filter, after, limit: PAGE });
      this.take(page);
      if (page.length < PAGE) return;
      after = page.at(-1)?.position ?? after;
    }
  }

  /** @throws Unreadable if the tree contains or ever contained an unreadable event */
  async whole(treeId: string): Promise<void> {
    const aside = asideBy(this.state, treeId);
    if (aside) throw new Unreadable(aside.position);
    await this.search({ treeId, type: 'EventSetAside' });
  }

  /** Adds the revocation rules that may have affected a subject; the selection of the receipt decides which did. */
  async rules(subjects: readonly Subject[]): Promise<void> {
    const { log, rules } = this.state;
    // a rule may have matched a tool of a lease that was raised later and does not have the tool now: ignore the tool
    const mayStrike = rules.list.filter(({ selector }) =>
      subjects.some((subject) => selects({ ...selector, tool: undefined }, subject)),
    );
    this.take(
      await this.eventlog.at(
        log,
        mayStrike.map(({ position }) => position),
      ),
    );
  }

  /**
   * Returns the events in the order of the log; if a payload is missing, with the erasures that may have removed it.
   * @throws Unreadable rather than sign an incomplete account
   */
  async events(): Promise<Kept[]> {
    const { imported, log } = this.state;
    if (imported > 0) this.take(await this.eventlog.at(log, [imported]));
    const gone = [...this.found.values()].some(({ payload }) => payload == null);
    if (gone) await this.search({ type: 'PayloadsErased' });
    return [...this.found.values()].sort((a, b) => a.position - b.position).map(keptOf);
  }

  private take(events: readonly StoredEvent[]): void {
    for (const event of events) this.found.set(event.position, event);
    if (this.found.size > this.most && this.most < LIMITS.receiptEventsInAll) throw new Larger();
    if (this.found.size > LIMITS.receiptEventsInAll)
      throw new TooLarge(
        `the receipt exceeds ${LIMITS.receiptEventsInAll} events; request the receipt of a run or an action in it`,
      );
  }
}

/**
 * Returns all events that may be relevant to a run: its own, and those of its ancestors and children. Reads the ancestors
 * and children from the state before the first await: the state may drop them during one.
 */
async function aboutRun({ eventlog, most }: From, state: LogState, run: RunNode): Promise<Kept[]> {
  const candidates = new Candidates(eventlog, state, most);
  const { treeId } = run; // the index of events is by tree
  const above = runsAbove(state, run);
  const below = runsOf(state, treeId).filter((each) => each.parentRunId === run.id);
  const subjects = subjectsOf(state, [run, ...above, ...below]);
  await candidates.whole(treeId);
  await candidates.search({ treeId, runId: run.id });
  for (const { id } of above) await candidates.search({ treeId, runId: id, type: OF_ANCESTORS });
  for (const { id } of below) await candidates.search({ treeId, runId: id, type: OF_CHILDREN });
  await candidates.rules(subjects);
  return await candidates.events();
}

const runsOf = (state: LogState, treeId: string): readonly RunNode[] => state.trees.get(treeId)?.runs ?? [];

function runsAbove(state: LogState, run: RunNode): RunNode[] {
  const above = run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId);
  return above ? [above, ...runsAbove(state, above)] : [];
}

/** Returns the subjects that revocation rules match: the runs that have a lease or have requested one. */
const subjectsOf = (state: LogState, runs: readonly RunNode[]): Subject[] =>
  runs.flatMap((run) => {
    const grant = run.grantId === undefined ? undefined : state.grants.get(run.grantId);
    const asked = state.trees.get(run.treeId)?.approvals.find(({ runId, limits }) => runId === run.id && limits);
    const limits = grant?.limits ?? asked?.limits;
    return limits ? [subjectOf(run, { treeId: run.treeId, limits })] : [];
  });

async function aboutTree(ledger: LogLedger, from: From, treeId: string): Promise<Kept[] | undefined> {
  const state = await findState(ledger, from, 'tree', treeId);
  if (!state) return undefined;
  const candidates = new Candidates(from.eventlog, state, from.most);
  const subjects = subjectsOf(state, runsOf(state, treeId));
  await candidates.whole(treeId);
  await candidates.search({ treeId });
  await candidates.rules(subjects);
  return await candidates.events();
}

/** Returns the events that may be relevant to the run that requested an action. */
async function aboutAction(ledger: LogLedger, from: From, actionId: string): Promise<Kept[] | undefined> {
  const { tenant, log } = ledger.state;
  const [decision] = await from.eventlog.search({ tenant, log, actionId, limit: 1 });
  const runId = decision && readWhereReadable(decision)?.event.runId;
  return runId === undefined ? undefined : aboutRunOf(ledger, from, runId);
}

async function aboutRunOf(ledger: LogLedger, from: From, runId: string): Promise<Kept[] | undefined> {
  const state = await findState(ledger, from, 'run', runId);
  const run = state?.runs.get(runId);
  return state && run && aboutRun(from, state, run);
}

/** Collects the events that may be relevant to an id, by kind of receipt; undefined if the id does not exist. */
const ABOUT: Record<PredicateType, (ledger: LogLedger, from: From, id: string) => Promise<Kept[] | undefined>> = {
  [RUN_RECEIPT]: aboutRunOf,
  [TREE_RECEIPT]: aboutTree,
  [ACTION_RECEIPT]: aboutAction,
};

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

/** Returns the events of a receipt within a tree of `size` leaves, in order; undefined if there are none. */
async function chosenFor(
  ledger: LogLedger,
  from: From,
  id: string,
  type: PredicateType,
  size: number,
): Promise<[Kept, ...Kept[]] | undefined> {
  const candidates = await ABOUT[type](ledger, from, id);
  if (!candidates) return undefined;
  // an event that is not in the tree yet has no proof
  const inTree = candidates.filter(({ event }) => event.position < size);
  const chosen = new Set(KINDS[type].select(id, readStory(inTree)).map(({ event }) => event.position));
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
  id: string,
  type: PredicateType = RUN_RECEIPT,
  bounds = BOUNDS,
): Promise<Envelope | undefined> {
  return inTurn(ledger, from, bounds.events, (held) => madeOf(ledger, held, key, { id, type, bounds }));
}

interface Wanted {
  readonly id: string;
  readonly type: PredicateType;
  readonly bounds: Bounds;
}

async function madeOf(
  ledger: LogLedger,
  from: From,
  key: KeyObject,
  { id, type, bounds }: Wanted,
): Promise<Envelope | undefined> {
  const kept = await chosenFor(ledger, from, id, type, ledger.position);
  if (!kept) return undefined;
  const claims = KINDS[type].summarise(id, readStory(kept), canonicalDigest);
  if (kept.length <= bounds.events && bytesOf(kept) <= bounds.bytes) {
    const proofs = await ledger.proofs(positionsOf(kept));
    const envelope = signStatement(makeStatement(claims, proved(kept, proofs)), key, ledger.origin);
    if (envelope.payload.length <= bounds.bytes) return envelope;
  }
  const { size, note } = await ledger.head((kept.at(-1) ?? kept[0]).event.position + 1);
  const cut = partsOf({ id, type, size, kept, claims, proofBytes: mostOfProof(size, note), bounds });
  ledger.inParts.keep(keyOf(id, type, size), cut);
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
  { id, type, part, size }: { id: string; type: PredicateType; part: number; size: number },
  bounds = BOUNDS,
): Promise<Envelope | undefined> {
  const head = size <= ledger.position ? await from.store.heads.at(ledger.state.log, size) : undefined;
  if (!head) return undefined;
  const cut =
    ledger.inParts.get(keyOf(id, type, size)) ??
    (await inTurn(ledger, from, bounds.events, (held) => cutAgain(ledger, held, { id, type, head, bounds })));
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
  { id, type, head, bounds }: Wanted & { readonly head: Head },
): Promise<Cut | undefined> {
  const { size, note } = head;
  const kept = await chosenFor(ledger, from, id, type, size);
  if (!kept) return undefined;
  const claims = KINDS[type].summarise(id, readStory(kept), canonicalDigest);
  const cut = partsOf({ id, type, size, kept, claims, proofBytes: mostOfProof(size, note), bounds });
  ledger.inParts.keep(keyOf(id, type, size), cut);
  return cut;
}

type Head = { readonly size: number; readonly note: string };
const keyOf = (id: string, type: PredicateType, size: number): string => `${type} ${id} ${size}`;
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

/**
 * Returns the custody chain of an action, with a proof of each link in the tree; undefined if the action does not exist.
 * An action of a called service has two chains: its own, and that of the call.
 */
export async function custodyFor(
  ledger: LogLedger,
  from: From,
  actionId: string,
): Promise<BrokeredCustody | undefined> {
  const found = await chainFor(ledger, from, actionId);
  if (!found) return undefined;
  const { story, custody } = found;
  const { calledBy } = story.decisions.get(actionId)?.event.data ?? {};
  const caller = calledBy && (await chainFor(ledger, from, calledBy.actionId));
  const called = story.entries.flatMap(({ event }) =>
    event.type === 'ActionCalled' && event.actionId === actionId ? [event.data.called] : [],
  );
  return { ...custody, ...(caller ? { calledBy: caller.custody } : {}), ...(called.length > 0 ? { called } : {}) };
}

async function chainFor(
  ledger: LogLedger,
  from: From,
  actionId: string,
): Promise<{ story: Story; custody: Custody } | undefined> {
  const candidates = await inTurn(ledger, from, LIMITS.receiptEvents, (held) => aboutAction(ledger, held, actionId));
  if (!candidates) return undefined;
  const story = readStory(candidates);
  const custody = custodyOf(actionId, story);
  const positions = [...new Set(custody.links.map(({ position }) => position))];
  const inTree = positions.filter((position) => position < ledger.position);
  const proofs = inTree.length === 0 ? new Map<number, string>() : await ledger.proofs(inTree);
  const links = custody.links.map((link) => ({ ...link, ...proofIn(proofs, link.position) }));
  return { story, custody: { ...custody, links } };
}

const proofIn = (proofs: ReadonlyMap<number, string>, position: number): { proof?: string } => {
  const proof = proofs.get(position);
  return proof === undefined ? {} : { proof };
};
