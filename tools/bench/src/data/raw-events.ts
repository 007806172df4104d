import { Pool } from 'pg';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';

/** An event's columns except its log and position. */
export interface RawRow {
  readonly type: string;
  readonly time: string;
  readonly body: string;
  readonly payload: string | null;
  readonly tenant: string;
  readonly ids: readonly (string | null)[];
  readonly commandId: string;
}

/**
 * Accesses the table of events directly: no owner, no fold, no check of a position or a lease. It is the baseline of
 * the event log's benchmarks.
 */
export class RawEvents {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({ connectionString: url, max: 1, application_name: 'bailiwick-bench', ...databaseWaits() });
  }

  /** Inserts rows by one statement in one commit. */
  async insert(log: string, first: number, rows: readonly RawRow[]): Promise<void> {
    const id = (n: number) => rows.map((row) => row.ids[n] ?? null);
    await this.pool.query({
      name: 'raw-insert',
      text: `INSERT INTO event (log, position, type, time, body, payload, tenant, tree_id, run_id, grant_id, action_id, command_id)
        SELECT $1, $2 + i - 1, type, time, body, payload, tenant, tree_id, run_id, grant_id, action_id, command_id
        FROM unnest($3::text[], $4::timestamptz[], $5::json[], $6::json[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
          WITH ORDINALITY AS fresh (type, time, body, payload, tenant, tree_id, run_id, grant_id, action_id, command_id, i)`,
      values: [
        log,
        first,
        rows.map((row) => row.type),
        rows.map((row) => row.time),
        rows.map((row) => row.body),
        rows.map((row) => row.payload),
        rows.map((row) => row.tenant),
        id(0),
        id(1),
        id(2),
        id(3),
        rows.map((row) => row.commandId),
      ],
    });
  }

  /** Reads the events of a log from a position on and parses their bodies. */
  async read(log: string, from: number, limit: number): Promise<unknown[]> {
    const { rows } = await this.pool.query<{ body: string }>({
      name: 'raw-read',
      text: 'SELECT body::text AS body FROM event WHERE log = $1 AND position >= $2 AND position < $2::bigint + $3 ORDER BY position',
      values: [log, from, limit],
    });
    return rows.map((row) => JSON.parse(row.body) as unknown);
  }

  /** Commits next to nothing: the minimum cost of durability on this machine. */
  async commit(log: string): Promise<void> {
    await this.pool.query('UPDATE log SET lease_epoch = lease_epoch WHERE name = $1', [log]);
  }

  /** Deletes the snapshots of a log, so that the next start folds it from position 0. */
  async dropSnapshots(log: string): Promise<void> {
    await this.pool.query('DELETE FROM snapshot WHERE log = $1', [log]);
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
