import type { LogState } from '@bailiwick/authority/state/state';
import type { Event } from '@bailiwick/contracts/event';
import { consequencesOf, itemsAside, itemsOf } from '../read-models/projection';
import type { ItemRow } from '../read-models/store';
import type { Models } from './kept';

/** The read models that events lead to, made anew beside a fold, to be held against those that are kept. */
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

  /** An event could not be read: the tree that it names is set aside. */
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

  /** Rows that differ, with the event that they should tell of. */
  against({ rows }: Models): { position: number | undefined; detail: string }[] {
    const found: { position: number | undefined; detail: string }[] = [];
    for (const [key, { row, position }] of this.rows) {
      const kept = rows.get(key);
      if (kept !== row)
        found.push({ position, detail: `the read models ${kept ? 'tell otherwise of' : 'lack'} ${key}` });
    }
    for (const key of rows.keys())
      if (!this.rows.has(key))
        found.push({ position: undefined, detail: `the read models tell of ${key}, and no event does` });
    return found.sort((a, b) => (a.position ?? -1) - (b.position ?? -1));
  }
}
