import type { BailiwickClient, EventItem } from '@bailiwick/client/client';
import type { Event } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Told } from './stepper';

/**
 * All events of a tree, and the revocations of its log that are of no tree, by position: with them the tree folds as it
 * did in its log.
 */
export async function readTree(client: BailiwickClient, treeId: string): Promise<Told[]> {
  const own = await all(client, { treeId });
  const begin = own[0]?.event.position ?? 0;
  const rules = own.length > 0 ? await all(client, { type: 'RevocationRuleAdded', after: String(begin) }) : [];
  const others = rules.filter(({ event }) => event.treeId === undefined);
  return [...own, ...others].sort((a, b) => a.event.position - b.event.position);
}

async function all(client: BailiwickClient, filter: Record<string, string>): Promise<Told[]> {
  const told: Told[] = [];
  let query = { ...filter, limit: String(LIMITS.eventsPageMax) };
  for (;;) {
    const { items, next } = await client.events(query);
    for (const item of items) told.push(split(item));
    if (next === null) return told;
    query = { ...query, ...{ after: next } };
  }
}

/** An event is listed with its words beside its members; the fold knows nothing of them. */
function split(item: EventItem): Told {
  const { payload, ...event } = item as EventItem & { payload?: Record<string, unknown> };
  return { event: event as unknown as Event, words: payload };
}
