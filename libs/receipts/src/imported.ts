import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Imported } from '@bailiwick/contracts/receipts/receipt';
import type { Story, StoryEntry } from './story';

type Import = EventOf<'HistoryImported'>;

const importsIn = (entries: readonly StoryEntry[]): Import[] =>
  entries.flatMap(({ event }) => (event.type === 'HistoryImported' ? [event] : []));

/** Adds to the chosen events the imports that contain some of them, so that the receipt shows who decided those events. */
export function withImports(chosen: readonly StoryEntry[], candidates: readonly StoryEntry[]): StoryEntry[] {
  const first = chosen[0]?.event.position ?? Infinity;
  const kept = new Set(chosen);
  for (const each of candidates)
    if (each.event.type === 'HistoryImported' && each.event.position > first) kept.add(each);
  return candidates.filter((each) => kept.has(each));
}

/** Lists the imports among the events of a receipt; empty if no event was decided elsewhere. */
export function importedIn({ entries }: Story): { imported?: Imported[] } {
  const imports = importsIn(entries);
  if (imports.length === 0) return {};
  return {
    imported: imports.map(({ position, time, data: { origin, vkey, size, live } }) => ({
      position,
      time,
      origin,
      vkey,
      events: size,
      live,
    })),
  };
}

/** Returns the position before which all events were decided elsewhere. */
export const importedBefore = ({ entries }: Pick<Story, 'entries'>): number =>
  Math.max(0, ...importsIn(entries).map(({ position }) => position));

/** Lists the limits of a receipt over imported events. Receipts contain these texts: a change breaks verification. */
export const importedNotProved = (story: Story): string[] =>
  (importedIn(story).imported ?? []).map(
    ({ events, origin, vkey }) =>
      `that the events before position ${events} happened as they say: they were imported from ${origin}, signed by the key ${vkey}; this installation did not decide them`,
  );
