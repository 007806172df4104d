import type { DataSource } from 'typeorm';

/** What the ledger keeps of a log, as it stood in one moment: rows as text, by their key. */
export interface Models {
  /** the events up to this one are in them */
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

/** Reads what is kept, to be compared: by statements of its own, none of which the ledger works with. */
export class Kept {
  constructor(private readonly source: DataSource) {}

  /** All rows of the read models of a log, and where they stand: one moment of the database. */
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

  /** Every signed head of a log, as it is kept. */
  async heads(log: string): Promise<{ size: number; root: Buffer; note: string }[]> {
    const rows = await this.source.query<{ size: string; root: Buffer; note: string }[]>(
      'SELECT size, root, note FROM ledger.checkpoint WHERE log = $1 ORDER BY size',
      [log],
    );
    return rows.map((row) => ({ ...row, size: Number(row.size) }));
  }
}

/** The server and we put spaces elsewhere. */
export const normal = (json: string): string => JSON.stringify(JSON.parse(json));
