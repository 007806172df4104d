import type { KeyObject } from 'node:crypto';
import { selects, type Subject } from '#authority/rule-set';
import { subjectOf } from '#authority/rules';
import type { LogState, RunNode } from '#authority/state';
import { parseEvent } from '#contracts/event';
import { readStored } from '#contracts/payload';
import {
  ACTION_RECEIPT,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type Custody,
  type Envelope,
  type PredicateType,
} from '#contracts/receipt';
import type { SearchFilter, StoredEvent } from '#eventlog/port';
import { canonicalDigest } from '#kernel/digest';
import { LIMITS } from '#kernel/limits';
import { custodyOf } from '#receipts/custody';
import { makeStatement, signStatement } from '#receipts/envelope';
import { KINDS } from '#receipts/kinds';
import { OF_ANCESTORS, OF_CHILDREN } from '#receipts/select';
import { readStory, type Told } from '#receipts/story';
import { entryHash, leafHash } from '#tlog/hash';
import { knowing } from './known';
import type { LogLedger } from './log-ledger';
import { Altered, TooLarge, type Backends } from './op';

/** Where events are read from, and the trees that were forgotten. */
type From = Pick<Backends, 'eventlog' | 'store'>;

/** A stored event, as receipts are told of it. */
type Kept = Told & { readonly stored: StoredEvent };

/** Reads events by what they are about, each once. @throws TooLarge rather than leave any out */
class Candidates {
  private readonly found = new Map<number, StoredEvent>();

  constructor(
    private readonly eventlog: From['eventlog'],
    private readonly state: LogState,
  ) {}

  async search(filter: Omit<SearchFilter, 'tenant' | 'log' | 'limit'>): Promise<void> {
    const { tenant, log } = this.state;
    this.take(await this.eventlog.search({ tenant, log, ...filter, limit: LIMITS.receiptEvents + 1 }));
  }

  /** The revocation rules that may have struck one of these: which of them did is for the choice to say. */
  async rules(subjects: readonly Subject[]): Promise<void> {
    const { log, rules } = this.state;
    // a lease that was raised since may have been struck for a tool that the raised one does not have: any tool will do
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

  /** In the order of the log; where words are gone, with the erasures that may have made them go. */
  async told(): Promise<Kept[]> {
    const { imported, log } = this.state;
    if (imported > 0) this.take(await this.eventlog.at(log, [imported]));
    const gone = [...this.found.values()].some(({ payload }) => payload == null);
    if (gone) await this.search({ type: 'PayloadsErased' });
    return [...this.found.values()]
      .sort((a, b) => a.position - b.position)
      .map((stored): Kept => ({ ...readStored(stored), stored }));
  }

  private take(events: readonly StoredEvent[]): void {
    for (const event of events) this.found.set(event.position, event);
    if (this.found.size > LIMITS.receiptEvents)
      throw new TooLarge(`a receipt of more than ${LIMITS.receiptEvents} events is not made; ask for a part of it`);
  }
}

/**
 * All that may bear on a run: its own events, and what happened to the runs above and below it. Which those are is taken
 * from the state before an event is read: meanwhile it may forget them.
 */
async function aboutRun({ eventlog }: From, state: LogState, run: RunNode): Promise<Kept[]> {
  const candidates = new Candidates(eventlog, state);
  const { treeId } = run; // what events are found by
  const above = runsAbove(state, run);
  const below = runsOf(state, treeId).filter((each) => each.parentRunId === run.id);
  const subjects = subjectsOf(state, [run, ...above, ...below]);
  await candidates.search({ treeId, runId: run.id });
  for (const { id } of above) await candidates.search({ treeId, runId: id, type: OF_ANCESTORS });
  for (const { id } of below) await candidates.search({ treeId, runId: id, type: OF_CHILDREN });
  await candidates.rules(subjects);
  return await candidates.told();
}

const runsOf = (state: LogState, treeId: string): readonly RunNode[] => state.trees.get(treeId)?.runs ?? [];

function runsAbove(state: LogState, run: RunNode): RunNode[] {
  const above = run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId);
  return above ? [above, ...runsAbove(state, above)] : [];
}

/** What revocation rules look at, of runs that were given a lease, or wait for one. */
const subjectsOf = (state: LogState, runs: readonly RunNode[]): Subject[] =>
  runs.flatMap((run) => {
    const grant = run.grantId === undefined ? undefined : state.grants.get(run.grantId);
    const asked = state.trees.get(run.treeId)?.approvals.find(({ runId, limits }) => runId === run.id && limits);
    const limits = grant?.limits ?? asked?.limits;
    return limits ? [subjectOf(run, { treeId: run.treeId, limits })] : [];
  });

async function aboutTree(ledger: LogLedger, from: From, treeId: string): Promise<Kept[] | undefined> {
  const state = await knowing(ledger, from, 'tree', treeId);
  if (!state) return undefined;
  const candidates = new Candidates(from.eventlog, state);
  const subjects = subjectsOf(state, runsOf(state, treeId));
  await candidates.search({ treeId });
  await candidates.rules(subjects);
  return await candidates.told();
}

/** Of the run that asked for it. */
async function aboutAction(ledger: LogLedger, from: From, actionId: string): Promise<Kept[] | undefined> {
  const { tenant, log } = ledger.state;
  const [decision] = await from.eventlog.search({ tenant, log, actionId, limit: 1 });
  const runId = decision && parseEvent(decision.body).runId;
  return runId === undefined ? undefined : aboutRunOf(ledger, from, runId);
}

async function aboutRunOf(ledger: LogLedger, from: From, runId: string): Promise<Kept[] | undefined> {
  const state = await knowing(ledger, from, 'run', runId);
  const run = state?.runs.get(runId);
  return state && run && aboutRun(from, state, run);
}

/** By kind: where to look for what bears on an id; undefined where it is not known. */
const ABOUT: Record<PredicateType, (ledger: LogLedger, from: From, id: string) => Promise<Kept[] | undefined>> = {
  [RUN_RECEIPT]: aboutRunOf,
  [TREE_RECEIPT]: aboutTree,
  [ACTION_RECEIPT]: aboutAction,
};

/**
 * The signed account of a run, a tree or an action, each event with its proof; undefined where it is not known.
 * @throws TooLarge
 */
export async function receiptOf(
  ledger: LogLedger,
  from: From,
  key: KeyObject,
  id: string,
  type: PredicateType = RUN_RECEIPT,
): Promise<Envelope | undefined> {
  const candidates = await ABOUT[type](ledger, from, id);
  if (!candidates) return undefined;
  // what is not in the tree yet has no proof, and is not told
  const inTree = candidates.filter(({ event }) => event.position < ledger.position);
  const chosen = new Set(KINDS[type].select(id, readStory(inTree)).map(({ event }) => event.position));
  const kept = inTree.filter(({ event }) => chosen.has(event.position));
  if (kept.length === 0) return undefined;
  await unaltered(from, ledger.state.log, kept);
  const claims = KINDS[type].summarise(id, readStory(kept), canonicalDigest);
  const proofs = await ledger.proofs(kept.map(({ event }) => event.position));
  const events = kept.map(({ stored: { log, position, body, payload }, payload: words }) => ({
    log,
    position,
    body,
    // one that is not what its event names is withheld: it would be told in the event's name
    payload: words === null ? null : (payload ?? null),
    proof: proofs.get(position) as string,
  }));
  const envelope = signStatement(makeStatement(claims, events), key, ledger.origin);
  if (envelope.payload.length > LIMITS.receiptBytes)
    throw new TooLarge(
      `the receipt has ${envelope.payload.length} bytes; more than ${LIMITS.receiptBytes} are not sent: ask for a part of it`,
    );
  return envelope;
}

/**
 * Is each event the one that the tree has at its position? A receipt over anything else could not be verified.
 * @throws Altered with the position of the first that is not
 */
async function unaltered({ store }: From, log: string, kept: readonly Kept[]): Promise<void> {
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
      `the event at position ${wrong.stored.position} of ${log} is not the one that was signed for; ask \`log verify\` what was changed`,
    );
}

/** The chain of one action, each link with its proof where it is in the tree; undefined where no decision on it is known. */
export async function custodyFor(ledger: LogLedger, from: From, actionId: string): Promise<Custody | undefined> {
  const candidates = await aboutAction(ledger, from, actionId);
  if (!candidates) return undefined;
  const custody = custodyOf(actionId, readStory(candidates));
  const positions = [...new Set(custody.links.map(({ position }) => position))];
  const inTree = positions.filter((position) => position < ledger.position);
  const proofs = inTree.length === 0 ? new Map<number, string>() : await ledger.proofs(inTree);
  return {
    ...custody,
    links: custody.links.map((link) => ({ ...link, ...proofIn(proofs, link.position) })),
  };
}

const proofIn = (proofs: ReadonlyMap<number, string>, position: number): { proof?: string } => {
  const proof = proofs.get(position);
  return proof === undefined ? {} : { proof };
};
