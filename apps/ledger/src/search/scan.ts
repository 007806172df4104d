import type { LogState } from '@bailiwick/authority/state/state';
import { readWhereReadable, type Words } from '@bailiwick/contracts/events/payload';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Filter } from '@bailiwick/contracts/queries/search';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { LedgerStore } from '../read-models/store';
import { needsRunFacts, eventMatcher } from './filter';
import { FactsOfRuns, type Openings } from './run-facts';

/** How much one request may read. */
export interface Bounds {
  /** events read */
  readonly events: number;
  /** positions that the database skips */
  readonly positions: number;
}
const BOUNDS: Bounds = { events: LIMITS.eventsSeen, positions: LIMITS.positionsSeen };
/** events read at once if a filter discards some of them */
const STEP = 1_000;

/** The stores to search, and to look up the facts of runs. */
export interface Scanned extends Openings {
  readonly eventlog: Pick<EventLog, 'at' | 'head' | 'search'>;
  readonly store: Openings['store'] & Pick<LedgerStore, 'position'>;
}

export interface Found {
  readonly stored: StoredEvent;
  /** undefined if the body cannot be read */
  readonly event: Event | undefined;
  readonly words: Words | null;
}
export interface Page {
  readonly items: readonly Found[];
  /** the last position read; undefined at the end of the log */
  readonly next: number | undefined;
}

/**
 * Returns the events of one log that match a filter, in order. A page may be short or empty although more events match,
 * because one request reads a bounded number of events; `next` is where the next page starts. A page ends at a position,
 * so no event is skipped or repeated while the log grows. A filter for a run or a grant must name its tree as well, or
 * the whole log is read.
 * @param state of this log: contains the facts of its runs
 * @param types the event types to return; all types by default
 */
export async function scan(
  { eventlog, store }: Scanned,
  state: LogState,
  {
    tenant,
    after,
    limit,
    types,
    ...filter
  }: Omit<Filter<'events'>, 'type'> & {
    tenant: string;
    after: number;
    limit: number;
    types?: readonly string[] | undefined;
  },
  bounds: Bounds = BOUNDS,
): Promise<Page> {
  const { log } = state;
  const stored = await eventlog.head(log);
  const needsFacts = needsRunFacts(filter);
  // the facts of a run are known once its events are folded, or, if the state has dropped the run, once its row is written
  const head = needsFacts ? Math.min(stored, state.next, await store.position(log)) : stored;
  const first = await positionAt(eventlog, log, filter.from, head, 0);
  const end = await positionAt(eventlog, log, filter.to, head, head);
  const { treeId, actionId, commandId } = filter;
  // a tree or an action has few events, and an index: the whole log may be searched for them
  const narrow = treeId !== undefined || actionId !== undefined;
  const facts = new FactsOfRuns(state, { eventlog, store });
  const matches = eventMatcher(filter, facts.of);
  const exact = !narrow && !matches;
  let at = Math.max(after, first - 1);
  const before = narrow ? end : Math.min(end, at + 1 + bounds.positions);
  const items: Found[] = [];
  for (let seen = 0; seen < bounds.events;) {
    const step = Math.min(exact ? limit + 1 : STEP, bounds.events - seen);
    const search = narrow ? { treeId, actionId } : { type: types, commandId };
    const near = await eventlog.search({ tenant, log, after: at, before, limit: step, ...search });
    // parse one by one, because the page may fill up early; all at once only to fetch the facts of all their runs
    const read = needsFacts ? near.map(foundIn) : [];
    await facts.fetch(read.map((each) => each?.event?.runId));
    for (const [i, each] of near.entries()) {
      const found = wanted(needsFacts ? read[i] : foundIn(each));
      if (found && items.length === limit) return { items, next: at };
      if (found) items.push(found);
      at = each.position;
    }
    seen += near.length;
    if (near.length < step) return { items, next: before < end ? before - 1 : undefined };
  }
  return { items, next: at };

  function foundIn(stored: StoredEvent): Found | undefined {
    if (types && !types.includes(stored.type)) return undefined;
    const read = readWhereReadable(stored);
    return { stored, event: read?.event, words: read?.payload ?? null };
  }

  function wanted(found: Found | undefined): Found | undefined {
    // an unreadable event matches no filter on its contents
    return found && matches && !(found.event && matches(found.event, found.words)) ? undefined : found;
  }
}

/** Returns the first position whose event is not before a time, by binary search: events are in order of their times. */
export async function positionAt(
  eventlog: Pick<EventLog, 'at'>,
  log: string,
  time: string | undefined,
  head: number,
  otherwise: number,
): Promise<number> {
  const wanted = time === undefined ? undefined : parseTime(time);
  if (wanted === undefined) return otherwise;
  let [low, high] = [0, head];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [event] = await eventlog.at(log, [middle]);
    if (event && (parseTime(event.time) ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
