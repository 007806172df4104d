import { isErasedBy } from '@bailiwick/contracts/erasure';
import type { Event } from '@bailiwick/contracts/event';
import type { Absent } from '@bailiwick/contracts/receipt';
import type { Story, StoryEntry } from './story';

/** An event names a payload, and it is not there: only the words beside the event are gone, or kept back. */
const isAbsent = ({ event, payload }: StoryEntry): boolean => event.payloadDigest !== undefined && payload === null;

/**
 * The payloads that events name and the receipt does not show; where an erasure reached them, at which position it is.
 * What the events themselves say stands, and is proved all the same.
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
 * The chosen events, and the erasures that reached what is absent beside them: so that a receipt proves of its gaps that
 * they were made by an erasure that is in the log.
 */
export function withErasures(chosen: readonly StoryEntry[], candidates: readonly StoryEntry[]): StoryEntry[] {
  const reaches = reachOf(candidates);
  const kept = new Set(chosen);
  // a later erasure reaches the words of an earlier one, and whatever that one had reached
  for (const each of candidates)
    if (
      each.event.type === 'PayloadsErased' &&
      chosen.some((entries) => isAbsent(entries) && reaches(each, entries.event))
    )
      kept.add(each);
  return candidates.filter((each) => kept.has(each));
}

/** Does an erasure reach what stands beside an event? Told from the bodies of these events. */
function reachOf(entries: readonly StoryEntry[]): (erasure: StoryEntry, event: Event) => boolean {
  const principals = new Map<string, string>();
  for (const { event } of entries)
    if (event.type === 'RunOpened' && event.treeId !== undefined) principals.set(event.treeId, event.data.principalRef);
  return ({ event: erasure }, event) =>
    erasure.type === 'PayloadsErased' && isErasedBy(erasure, event, principals.get(event.treeId ?? ''));
}
