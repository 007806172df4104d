import type { LogState } from '@bailiwick/authority/state/state';
import { readWhereReadable, type Words } from '@bailiwick/contracts/payload';
import type { Event } from '@bailiwick/contracts/event';
import type { Filter } from '@bailiwick/contracts/search';
import type { EventLog, StoredEvent } from '@bailiwick/event-store/port';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { LedgerStore } from '../read-models/store';
import { asksOfRun, eventMatcher } from './filter';
import { FactsOfRuns, type Openings } from './run-facts';

/** How much one question may look at. */
export interface Bounds {
  /** events that are read */
  readonly events: number;
  /** positions that the database passes over */
  readonly positions: number;
}
const BOUNDS: Bounds = { events: LIMITS.eventsSeen, positions: LIMITS.positionsSeen };
/** are read at once where not all of them will be wanted */
const STEP = 1_000;

/** What is looked through, and where the runs of what is found there are told of. */
export interface Scanned extends Openings {
  readonly eventlog: Pick<EventLog, 'at' | 'head' | 'search'>;
  readonly store: Openings['store'] & Pick<LedgerStore, 'position'>;
}

export interface Found {
  readonly stored: StoredEvent;
  /** undefined where its body cannot be read */
  readonly event: Event | undefined;
  readonly words: Words | null;
}
export interface Page {
  readonly items: readonly Found[];
  /** the last position that was looked at, where there are more behind it */
  readonly next: number | undefined;
}

/**
 * The events of one log that meet a filter, in order. A page may be short, or empty, although there are more: then as
 * much was looked at as one question may, and `next` says where to go on. Nothing is skipped or told twice while the
 * log grows, since a page ends at a position. Who asks for a run or a grant names its tree, too, or the whole log is
 * looked through.
 * @param state of this log: knows who a run's principal is
 * @param types of which they must be; any, where it is left out
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
  const asks = asksOfRun(filter);
  // who a run is, is known up to where it is folded, and, of one that is forgotten by then, where its row is written
  const head = asks ? Math.min(stored, state.next, await store.position(log)) : stored;
  const first = await positionAt(eventlog, log, filter.from, head, 0);
  const end = await positionAt(eventlog, log, filter.to, head, head);
  const { treeId, actionId, commandId } = filter;
  // few have them, and an index leads to each: the whole log may be looked through for those of a tree or an action
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
    // read one by one, since a page may be full long before their end, unless all of their runs are asked for at once
    const read = asks ? near.map(foundIn) : [];
    await facts.fetch(read.map((each) => each?.event?.runId));
    for (const [i, each] of near.entries()) {
      const found = wanted(asks ? read[i] : foundIn(each));
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
    // what cannot be read meets no filter that asks what is in it
    return found && matches && !(found.event && matches(found.event, found.words)) ? undefined : found;
  }
}

/**
 * The first position of a log whose event is not before a time. No event is earlier than the one before it, so twenty
 * looks find it among a million.
 */
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
