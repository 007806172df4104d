import type { EventOf } from '@bailiwick/contracts/event';
import type { Imported } from '@bailiwick/contracts/receipt';
import type { Story, Told } from './story';

type Import = EventOf<'HistoryImported'>;

const importsIn = (told: readonly Told[]): Import[] =>
  told.flatMap(({ event }) => (event.type === 'HistoryImported' ? [event] : []));

/** The chosen events, and the imports that brought some of them here: so that a receipt says whose decisions they are. */
export function withImports(chosen: readonly Told[], candidates: readonly Told[]): Told[] {
  const first = chosen[0]?.event.position ?? Infinity;
  const kept = new Set(chosen);
  for (const each of candidates)
    if (each.event.type === 'HistoryImported' && each.event.position > first) kept.add(each);
  return candidates.filter((each) => kept.has(each));
}

/** Which events of a receipt were decided elsewhere; nothing where none was. */
export function importedIn({ told }: Story): { imported?: Imported[] } {
  const imports = importsIn(told);
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
export const importedBefore = ({ told }: Pick<Story, 'told'>): number =>
  Math.max(0, ...importsIn(told).map(({ position }) => position));

/** What a receipt over imported events cannot show. */
export const importedNotProved = (story: Story): string[] =>
  (importedIn(story).imported ?? []).map(
    ({ events, origin, vkey }) =>
      `that the events before position ${events} happened as they say: they were imported from ${origin}, signed by the key ${vkey}; this installation did not decide them`,
  );
