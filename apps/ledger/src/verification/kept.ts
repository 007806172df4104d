import type { DataSource } from 'typeorm';

/** A snapshot of the read models of a log: rows as text, by key. */
export interface Models {
  /** the read models contain the events before this position */
  readonly position: number;
  readonly rows: ReadonlyMap<string, string>;
}

const ITEMS = `
SELECT kind || ' ' || id AS key,
  json_build_array(position, updated, tree_id, run_id, grant_id, agent_class, status, view::text)::text AS row
FROM ledger.item WHERE log = $1`;

const CONSEQUENCES = `
SELECT 'consequence ' || revocation_id || ' ' || grant_id AS key,
  json_build_array(position, run_id, agent_class, in_flight, pending_approvals, reserved_cost::text)::text AS row
FROM ledger.consequence WHERE log = $1`;

/**
 * Reads the stored data for verification, with separate statements that the ledger does not use elsewhere. They use no
 * entity on purpose: a wrong mapping would change what the ledger serves and what verification compares in the same way.
 */
export class Kept {
  constructor(private readonly source: DataSource) {}

  /** Returns all rows of the read models of a log and their position, from one snapshot of the database. */
  models(log: string): Promise<Models> {
    return this.source.transaction('REPEATABLE READ', async (manager) => {
      const [at] = await manager.query<{ position: string }[]>('SELECT position FROM ledger.follower WHERE log = $1', [
        log,
      ]);
      const rows = new Map<string, string>();
      for (const query of [ITEMS, CONSEQUENCES])
        for (const { key, row } of await manager.query<{ key: string; row: string }[]>(query, [log]))
          rows.set(key, normal(row));
      return { position: Number(at?.position ?? 0), rows };
    });
  }

  /** Returns every stored signed head of a log. */
  async heads(log: string): Promise<{ size: number; root: Buffer; note: string }[]> {
    const rows = await this.source.query<{ size: string; root: Buffer; note: string }[]>(
      'SELECT size, root, note FROM ledger.checkpoint WHERE log = $1 ORDER BY size',
      [log],
    );
    return rows.map((row) => ({ ...row, size: Number(row.size) }));
  }
}

/** Removes differences in white space between the server's JSON and ours. */
export const normal = (json: string): string => JSON.stringify(JSON.parse(json));
