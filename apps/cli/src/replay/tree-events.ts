import type { BailiwickClient, EventItem } from '@bailiwick/client/client';
import type { Event } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { TreeEvent } from './stepper';

/**
 * Returns all events of a tree and the revocation rules of its log, ordered by position. A fold of them yields the same
 * tree as a fold of the log.
 */
export async function readTree(client: BailiwickClient, treeId: string): Promise<TreeEvent[]> {
  const own = await all(client, { treeId });
  const start = own[0]?.event.position ?? 0;
  const rules: TreeEvent[] = [];
  if (own.length > 0) for (const type of RULES) rules.push(...(await all(client, { type, after: String(start) })));
  const others = rules.filter(({ event }) => event.treeId === undefined);
  return [...own, ...others].sort((a, b) => a.event.position - b.event.position);
}

const RULES = ['RevocationRuleAdded', 'SuspensionLifted'];

async function all(client: BailiwickClient, filter: Record<string, string>): Promise<TreeEvent[]> {
  const events: TreeEvent[] = [];
  let query = { ...filter, limit: String(LIMITS.eventsPageMax) };
  for (;;) {
    const { items, next } = await client.events(query);
    for (const item of items) events.push(split(item));
    if (next === null) return events;
    query = { ...query, ...{ after: next } };
  }
}

/** Separates the payload, which the list includes in each event, from the event. */
function split(item: EventItem): TreeEvent {
  const { payload, ...event } = item as EventItem & { payload?: Record<string, unknown> };
  return { event: event as unknown as Event, payload };
}
