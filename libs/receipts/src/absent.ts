import { isErasedBy } from '@bailiwick/contracts/erasures/erasure';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Absent } from '@bailiwick/contracts/receipts/receipt';
import type { Story, StoryEntry } from './story';

/** Reports whether an event names a payload that the receipt does not contain: it was erased or withheld. */
const isAbsent = ({ event, payload }: StoryEntry): boolean => event.payloadDigest !== undefined && payload === null;

/**
 * Lists the payloads that events name and the receipt does not contain, each with the position of the erasure that
 * removed it, if any. The events themselves are complete and proved.
 */
export function absentIn({ entries }: Story): Absent[] {
  const reaches = reachOf(entries);
  const erasures = entries.filter(({ event }) => event.type === 'PayloadsErased');
  return entries.filter(isAbsent).map(({ event }) => {
    const erasure = erasures.find((each) => reaches(each, event))?.event;
    return { position: event.position, type: event.type, ...(erasure ? { erasedAt: erasure.position } : {}) };
  });
}

/**
 * Adds to the chosen events the erasures that removed their payloads, so that a receipt proves that each gap was made by
 * an erasure in the log.
 */
export function withErasures(chosen: readonly StoryEntry[], candidates: readonly StoryEntry[]): StoryEntry[] {
  const reaches = reachOf(candidates);
  const kept = new Set(chosen);
  // a later erasure covers the payload of an earlier one, and everything that the earlier one covered
  for (const each of candidates)
    if (each.event.type === 'PayloadsErased' && chosen.some((entry) => isAbsent(entry) && reaches(each, entry.event)))
      kept.add(each);
  return candidates.filter((each) => kept.has(each));
}

/** Returns a predicate that decides, from the bodies of the events alone, whether an erasure covers the payload of an event. */
function reachOf(entries: readonly StoryEntry[]): (erasure: StoryEntry, event: Event) => boolean {
  const principals = new Map<string, string>();
  for (const { event } of entries)
    if (event.type === 'RunOpened' && event.treeId !== undefined) principals.set(event.treeId, event.data.principalRef);
  return ({ event: erasure }, event) =>
    erasure.type === 'PayloadsErased' && isErasedBy(erasure, event, principals.get(event.treeId ?? ''));
}
