import { evolve } from '@bailiwick/authority/events/evolve';
import type { LogState } from '@bailiwick/authority/state/state';
import { evolveStored, type StoredBody } from '@bailiwick/authority/state/stored';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { piecesOf } from '@bailiwick/transparency-log/pieces';
import { growTree } from '@bailiwick/transparency-log/merkle-tree';
import { consequencesOf, itemsAside, itemsOf } from '../read-models/projection';
import type { ConsequenceRow } from '../read-models/entities/consequence';
import type { ItemRow } from '../read-models/entities/item';
import type { Made } from '../read-models/read-model-writer';

/**
 * Derives the rows of the read models and the leaves of the tree from the next events of a log. The result depends on the
 * log alone, so a rebuild produces the same rows, in batches of any size.
 * @param state before the events; it is folded in place, even if this throws
 * @param frontier of the tree before the events
 */
export function integrate(...of: Parameters<typeof integrateStepwise>): Integrated {
  const steps = integrateStepwise(...of);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

export interface Integrated {
  readonly made: Made;
  readonly frontier: readonly Buffer[];
}

/** Does the same, with a step before each event: a caller may pause there. */
export function* integrateStepwise(
  state: LogState,
  frontier: readonly Buffer[],
  events: readonly StoredBody[],
): Generator<undefined, Integrated> {
  const from = state.next;
  const items = new Map<string, ItemRow>();
  const consequences: ConsequenceRow[] = [];
  const add = (rows: readonly ItemRow[]): void => rows.forEach((row) => items.set(`${row.kind}/${row.id}`, row));
  for (const stored of events) {
    yield;
    let stopped: readonly ConsequenceRow[] = [];
    const event = evolveStored(state, stored, (_, each) => {
      stopped = consequencesOf(state, each);
      evolve(state, each);
    });
    if (event) consequences.push(...stopped);
    add(event ? itemsOf(state, event) : itemsAside(state, stored.position));
  }
  const leaves = events.map(({ body }) => leafHash(entryHash(body)));
  const grown = growTree(from, frontier, leaves);
  return {
    made: { pieces: piecesOf(grown.newNodes), items: [...items.values()], consequences },
    frontier: grown.frontier,
  };
}
