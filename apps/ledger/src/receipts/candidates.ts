import { asideBy } from '@bailiwick/authority/state/set-aside';
import { lastingParts, selects, type Subject } from '@bailiwick/authority/revocation/selects';
import { subjectOf } from '@bailiwick/authority/revocation/revocation-rules';
import type { LogState, RunNode } from '@bailiwick/authority/state/state';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import { ACTION_RECEIPT, RUN_RECEIPT, TREE_RECEIPT, type PredicateType } from '@bailiwick/contracts/receipts/receipt';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { SearchFilter } from '@bailiwick/event-store/port';
import { LIMITS } from '@bailiwick/core/limits';
import { OF_ANCESTORS, OF_CHILDREN } from '@bailiwick/receipts/select';
import type { StoryEntry } from '@bailiwick/receipts/story';
import { findState } from '../search/find-by-id';
import type { LogLedger } from '../follower/log-ledger';
import { TooLarge, Unreadable } from '../rpc/errors';
import type { Sources } from '../connections/sources';

/** The stores to read from. */
export type From = Sources & {
  /** the maximum number of events to hold in memory */
  readonly most?: number;
};

/** A receipt has more events than a request may hold in memory outside the queue of its log. */
class Larger extends Error {}

/** Builds small receipts at once, and large ones one at a time for each log, to bound the memory they use. */
export async function inTurn<T>(
  ledger: LogLedger,
  from: From,
  most: number,
  work: (from: From) => Promise<T>,
): Promise<T> {
  const { eventlog, store } = from;
  try {
    return await work({ eventlog, store, most });
  } catch (error) {
    if (!(error instanceof Larger)) throw error;
    return await ledger.gathering.take(() => work({ eventlog, store, most: LIMITS.receiptEventsInAll }));
  }
}

/** A stored event, parsed for a receipt. */
export type Kept = StoryEntry & { readonly stored: StoredEvent };

/** @throws Unreadable rather than sign an incomplete account */
export function keptOf(stored: StoredEvent): Kept {
  const read = readWhereReadable(stored);
  if (!read) throw new Unreadable(stored.position);
  if (read.event.type === 'EventSetAside') throw new Unreadable(read.event.data.position);
  return { ...read, stored };
}

/** events read by one query */
export const PAGE = 5_000;

type Search = Omit<SearchFilter, 'tenant' | 'log' | 'limit' | 'newestFirst'>;
const every: (stored: StoredEvent) => boolean = () => true;

/** Collects events by their subjects, each once. @throws TooLarge rather than omit any */
export class Candidates {
  private readonly found = new Map<number, StoredEvent>();

  constructor(
    private readonly eventlog: From['eventlog'],
    private readonly state: LogState,
    private readonly most: number = LIMITS.receiptEvents,
  ) {}

  /** @param isWanted whether to add a found event; reads page by page, so that unwanted events take no memory */
  async search(filter: Search, isWanted = every): Promise<void> {
    const { tenant, log } = this.state;
    for (let after = filter.after ?? -1; ;) {
      const page = await this.eventlog.search({ tenant, log, ...filter, after, limit: PAGE });
      this.add(page.filter(isWanted));
      if (page.length < PAGE) return;
      after = page.at(-1)?.position ?? after;
    }
  }

  /** Adds only the newest event of a search. */
  async newest(filter: Search): Promise<void> {
    const { tenant, log } = this.state;
    this.add(await this.eventlog.search({ tenant, log, ...filter, limit: 1, newestFirst: true }));
  }

  async at(positions: readonly number[]): Promise<void> {
    for (let i = 0; i < positions.length; i += PAGE)
      this.add(await this.eventlog.at(this.state.log, positions.slice(i, i + PAGE)));
  }

  /** @throws Unreadable if the tree contains or ever contained an unreadable event */
  async whole(treeId: string): Promise<void> {
    const aside = asideBy(this.state, treeId);
    if (aside) throw new Unreadable(aside.position);
    await this.search({ treeId, type: 'EventSetAside' });
  }

  /** Adds the revocation rules that may have affected a subject; the selection of the receipt decides which did. */
  async rules(subjects: readonly Subject[]): Promise<void> {
    const { rules } = this.state;
    // a rule may have matched a lease that was raised later and has another tool or approver now: ignore such parts
    const mayStrike = rules.list.filter(({ selector }) =>
      subjects.some((subject) => selects(lastingParts(selector), subject)),
    );
    await this.at(mayStrike.flatMap(({ position, resumed }) => (resumed ? [position, resumed.position] : [position])));
  }

  /**
   * Returns the events in the order of the log; if a payload is missing, with the erasures that may have removed it.
   * @throws Unreadable rather than sign an incomplete account
   */
  async events(): Promise<Kept[]> {
    const { imported } = this.state;
    if (imported > 0) await this.at([imported]);
    const gone = [...this.found.values()].some(({ payload }) => payload == null);
    if (gone) await this.search({ type: 'PayloadsErased' });
    return [...this.found.values()].sort((a, b) => a.position - b.position).map(keptOf);
  }

  /** @throws TooLarge */
  add(events: readonly StoredEvent[]): void {
    for (const event of events) this.found.set(event.position, event);
    if (this.found.size > this.most && this.most < LIMITS.receiptEventsInAll) throw new Larger();
    if (this.found.size > LIMITS.receiptEventsInAll)
      throw new TooLarge(
        `the receipt exceeds ${LIMITS.receiptEventsInAll} events; request the receipt of a run or an action in it, or of a period of the run (from, until)`,
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

export const runsOf = (state: LogState, treeId: string): readonly RunNode[] => state.trees.get(treeId)?.runs ?? [];

export function runsAbove(state: LogState, run: RunNode): RunNode[] {
  const above = run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId);
  return above ? [above, ...runsAbove(state, above)] : [];
}

/** Returns the subjects that revocation rules match: the runs that have a lease or have requested one. */
export const subjectsOf = (state: LogState, runs: readonly RunNode[]): Subject[] =>
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
export async function aboutAction(ledger: LogLedger, from: From, actionId: string): Promise<Kept[] | undefined> {
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
export const ABOUT: Record<PredicateType, (ledger: LogLedger, from: From, id: string) => Promise<Kept[] | undefined>> =
  {
    [RUN_RECEIPT]: aboutRunOf,
    [TREE_RECEIPT]: aboutTree,
    [ACTION_RECEIPT]: aboutAction,
  };
