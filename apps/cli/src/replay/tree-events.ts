import type { BailiwickClient, EventItem } from '@bailiwick/client/client';
import type { Event } from '@bailiwick/contracts/events/event';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { LIMITS } from '@bailiwick/core/limits';
import type { TreeEvent } from './stepper';

/** Events as they are stored, with refs, and the names of the people in them for callers that may see names. */
export interface NamedEvents {
  readonly events: TreeEvent[];
  readonly names: PersonNames;
}

/**
 * Returns all events of a tree and the revocation rules of its log, ordered by position. A fold of them yields the same
 * tree as a fold of the log.
 */
export async function readTree(client: BailiwickClient, treeId: string): Promise<NamedEvents> {
  const { events: own, names } = await read(client, { treeId });
  const start = own[0]?.event.position ?? 0;
  if (own.length === 0) return { events: [], names };
  let all = names;
  const rules: TreeEvent[] = [];
  for (const type of RULES) {
    const found = await read(client, { type, after: String(start) });
    rules.push(...found.events.filter(({ event }) => event.treeId === undefined));
    all = { ...all, ...found.names };
  }
  const events = [...own, ...rules].sort((a, b) => a.event.position - b.event.position);
  return { events, names: all };
}

/** Events that concern a tree without its id. */
const RULES = ['RevocationRuleAdded', 'SuspensionLifted'];

async function read(client: BailiwickClient, filter: Record<string, string>): Promise<NamedEvents> {
  const events: TreeEvent[] = [];
  let names: PersonNames = {};
  let query = { ...filter, limit: String(LIMITS.eventsPageMax) };
  for (;;) {
    const page = await client.events(query);
    const { items, next } = page;
    for (const item of items) events.push(split(item));
    names = { ...names, ...(page as { names?: PersonNames }).names };
    if (next === null) return { events, names };
    query = { ...query, ...{ after: next } };
  }
}

/** Separates the payload, which the list includes in each event, from the event. */
function split(item: EventItem): TreeEvent {
  const { payload, ...event } = item as EventItem & { payload?: Record<string, unknown> };
  return { event: event as unknown as Event, payload };
}
