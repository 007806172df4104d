import type { EventOf } from '@bailiwick/contracts/event';
import type { Imported } from '@bailiwick/contracts/receipt';
import type { Story, StoryEntry } from './story';

type Import = EventOf<'HistoryImported'>;

const importsIn = (entries: readonly StoryEntry[]): Import[] =>
  entries.flatMap(({ event }) => (event.type === 'HistoryImported' ? [event] : []));

/** The chosen events, and the imports that brought some of them here: so that a receipt says whose decisions they are. */
export function withImports(chosen: readonly StoryEntry[], candidates: readonly StoryEntry[]): StoryEntry[] {
  const first = chosen[0]?.event.position ?? Infinity;
  const kept = new Set(chosen);
  for (const each of candidates)
    if (each.event.type === 'HistoryImported' && each.event.position > first) kept.add(each);
  return candidates.filter((each) => kept.has(each));
}

/** Which events of a receipt were decided elsewhere; nothing where none was. */
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

/** The events before this position were decided elsewhere. */
export const importedBefore = ({ entries }: Pick<Story, 'entries'>): number =>
  Math.max(0, ...importsIn(entries).map(({ position }) => position));

/** What a receipt over imported events cannot show. */
export const importedNotProved = (story: Story): string[] =>
  (importedIn(story).imported ?? []).map(
    ({ events, origin, vkey }) =>
      `that the events before position ${events} happened as they say: they were imported from ${origin}, signed by the key ${vkey}; this installation did not decide them`,
  );
