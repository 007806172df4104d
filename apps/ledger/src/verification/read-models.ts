import type { LogState } from '@bailiwick/authority/state/state';
import type { Event } from '@bailiwick/contracts/events/event';
import { consequencesOf, itemsAside, itemsOf } from '../read-models/projection';
import type { ItemRow } from '../read-models/entities/item';
import type { Models } from './kept';

/** Derives the read models from the events of a fold, to compare them with the stored ones. */
export class FreshModels {
  private readonly rows = new Map<string, { row: string; position: number }>();

  before(state: LogState, event: Event): void {
    for (const each of consequencesOf(state, event)) {
      const { revocationId, grantId, runId, agentClass, inFlight, pendingApprovals, reservedCost, position } = each;
      const key = `consequence ${revocationId} ${grantId}`;
      const values = [position, runId, agentClass, inFlight, pendingApprovals, JSON.stringify(reservedCost)];
      if (!this.rows.has(key)) this.rows.set(key, { row: JSON.stringify(values), position });
    }
  }

  after(state: LogState, event: Event): void {
    this.take(itemsOf(state, event));
  }

  /** Sets aside the tree that an unreadable event names. */
  aside(state: LogState, position: number): void {
    this.take(itemsAside(state, position));
  }

  private take(items: readonly ItemRow[]): void {
    for (const each of items) {
      const { position, updated, treeId, runId, grantId, agentClass, status, view } = each;
      const ids = [treeId, runId, grantId, agentClass].map((id) => id ?? null);
      const row = JSON.stringify([position, updated, ...ids, status, JSON.stringify(view)]);
      this.rows.set(`${each.kind} ${each.id}`, { row, position: updated });
    }
  }

  /** Returns the rows that differ, with the position of the event that determines each. */
  against({ rows }: Models): { position: number | undefined; detail: string }[] {
    const found: { position: number | undefined; detail: string }[] = [];
    for (const [key, { row, position }] of this.rows) {
      const kept = rows.get(key);
      if (kept !== row)
        found.push({
          position,
          detail: `a row ${kept ? 'differs from the log' : 'is missing from the read models'}: ${key}`,
        });
    }
    for (const key of rows.keys())
      if (!this.rows.has(key))
        found.push({ position: undefined, detail: `a row of the read models is not in the log: ${key}` });
    return found.sort((a, b) => (a.position ?? -1) - (b.position ?? -1));
  }
}
