import { evolve } from '@bailiwick/authority/events/evolve';
import type { LogState } from '@bailiwick/authority/state/state';
import { evolveStored, type StoredBody } from '@bailiwick/authority/state/stored';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { piecesOf } from '@bailiwick/transparency-log/pieces';
import { growTree } from '@bailiwick/transparency-log/tree';
import { consequencesOf, itemsAside, itemsOf } from '../read-models/projection';
import type { ConsequenceRow, ItemRow, Made } from '../read-models/store';

/**
 * What the next events of a log make: rows of the read models, and leaves of the tree. Nothing but the log decides it,
 * so that whoever makes it again makes the same, in batches of any size.
 * @param state as it was before them; folded further in place, also where this throws
 * @param frontier of the tree before them
 */
export function integrate(
  state: LogState,
  frontier: readonly Buffer[],
  events: readonly StoredBody[],
): { made: Made; frontier: readonly Buffer[] } {
  const from = state.next;
  const items = new Map<string, ItemRow>();
  const consequences: ConsequenceRow[] = [];
  const told = (rows: readonly ItemRow[]): void => rows.forEach((row) => items.set(`${row.kind}/${row.id}`, row));
  for (const stored of events) {
    let stopped: readonly ConsequenceRow[] = [];
    const event = evolveStored(state, stored, (_, each) => {
      stopped = consequencesOf(state, each);
      evolve(state, each);
    });
    if (event) consequences.push(...stopped);
    told(event ? itemsOf(state, event) : itemsAside(state, stored.position));
  }
  const leaves = events.map(({ body }) => leafHash(entryHash(body)));
  const grown = growTree(from, frontier, leaves);
  return {
    made: { pieces: piecesOf(grown.newNodes), items: [...items.values()], consequences },
    frontier: grown.frontier,
  };
}
