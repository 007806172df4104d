import { LIMITS } from '@bailiwick/core/limits';
import type { ExportHeader, ExportLine } from '@bailiwick/contracts/transfer/export';
import { Pool } from 'pg';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { Fence } from '../port';
import { databaseWaits } from './waits';
import { EVENT_COLUMNS, toStoredEvent, type EventRow } from './event-row';

/** The import that was started for a tenant. */
export interface StartedImport {
  readonly header: ExportHeader;
  /** the header asked for live leases */
  readonly live: boolean;
  readonly done: boolean;
}

/** The tenant is not empty, or has another owner: nothing was written. */
export class NotImported extends Error {}

/** Stages imported events outside the log and publishes all of them in one commit, or none. */
export class PostgresImports {
  private readonly pool: Pool;

  constructor(url: string) {
    // one statement copies a million events into the log
    const waits = databaseWaits(LIMITS.databaseLongMs);
    this.pool = new Pool({ connectionString: url, max: 2, application_name: 'bailiwick-import', ...waits });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  async started(tenant: string): Promise<StartedImport | undefined> {
    const { rows } = await this.pool.query<{ header: string; done: boolean }>(
      'SELECT header, done FROM import_begun WHERE tenant = $1',
      [tenant],
    );
    if (!rows[0]) return undefined;
    const { live = false, ...header } = JSON.parse(rows[0].header) as ExportHeader & { live?: boolean };
    return { header, live, done: rows[0].done };
  }

  /** Starts an import. It replaces an earlier import of the tenant, whose staged events are dropped. */
  async begin(header: ExportHeader, live: boolean): Promise<void> {
    const { tenant } = header;
    await this.pool.query('DELETE FROM import_event WHERE starts_with(log, $1)', [`${tenant}/`]);
    // A crash here leaves the old import without its events; it then requires them again from the first.
    await this.pool.query(
      'INSERT INTO import_begun (tenant, header) VALUES ($1, $2) ON CONFLICT (tenant) DO UPDATE SET header = $2, done = false',
      [tenant, JSON.stringify({ ...header, live })],
    );
  }

  /** Returns, for each log, the next position that is not staged yet. */
  async next(header: ExportHeader): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ log: string; next: string }>(
      'SELECT name AS log, coalesce((SELECT max(position) + 1 FROM import_event WHERE log = name), 0) AS next FROM unnest($1::text[]) AS name',
      [header.logs.map(({ log }) => log)],
    );
    return Object.fromEntries(rows.map(({ log, next }) => [log, Number(next)]));
  }

  /** Stages events, all or nothing; those that exist already stay. */
  async add(events: readonly ExportLine[]): Promise<void> {
    const column = <T>(pick: (event: ExportLine) => T) => events.map(pick);
    await this.pool.query({
      name: 'stage',
      text: `INSERT INTO import_event (log, position, type, time, body, payload)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::json[], $6::json[])
        ON CONFLICT DO NOTHING`,
      values: [
        column((event) => event.log),
        column((event) => event.position),
        column((event) => event.type),
        column((event) => event.time),
        column((event) => event.body),
        column((event) => event.payload),
      ],
    });
  }

  /** Reads a range of positions. With LIMIT instead, a database without statistics would sort the rest of the table. */
  async read(log: string, from: number, limit: number): Promise<StoredEvent[]> {
    const { rows } = await this.pool.query<EventRow>({
      name: 'staged',
      text: `SELECT ${EVENT_COLUMNS}
        FROM import_event WHERE log = $1 AND position >= $2 AND position < $2::bigint + $3 ORDER BY position`,
      values: [log, from, limit],
    });
    return rows.map(toStoredEvent);
  }

  /** Drops the staged events after a failed check. */
  async clear(tenant: string): Promise<void> {
    await this.pool.query('DELETE FROM import_event WHERE starts_with(log, $1)', [`${tenant}/`]);
  }

  /**
   * Turns the staged events into the logs, in one transaction, by the owner of the tenant's first log alone. A crash
   * rolls it back, and the staged events stay.
   * @param behind the events that follow in each log in the same commit
   * @throws NotImported
   */
  async publish(
    { tenant, logs }: ExportHeader,
    behind: ReadonlyMap<string, readonly Following[]>,
    { owner, epoch }: Fence,
  ): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      // the row lock keeps another owner from acquiring it before the commit
      const held = await client.query(
        'SELECT FROM log WHERE name = $1 AND lease_owner = $2 AND lease_epoch = $3 FOR UPDATE',
        [`${tenant}/0`, owner, epoch],
      );
      if (held.rowCount !== 1) throw new NotImported('the log has another owner now; try again');
      for (const { log, size } of logs) {
        await client.query('INSERT INTO log (name, tenant) VALUES ($1, $2) ON CONFLICT DO NOTHING', [log, tenant]);
        const taken = await client.query('SELECT FROM event WHERE log = $1 LIMIT 1', [log]);
        if (taken.rowCount !== 0) throw new NotImported(`${log} already has events`);
        const { rowCount } = await client.query(PUBLISH, [log, tenant]);
        if (rowCount !== size) throw new NotImported(`${log} has ${rowCount ?? 0} events staged, not ${size}`);
        for (const { event, body } of behind.get(log) ?? [])
          await client.query(FOLLOW, [log, event.position, event.type, event.time, body, tenant]);
      }
      await client.query('DELETE FROM import_event WHERE starts_with(log, $1)', [`${tenant}/`]);
      await client.query('UPDATE import_begun SET done = true WHERE tenant = $1', [tenant]);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true); // a connection in an open transaction is not reused
      throw error;
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** An event that this installation writes itself: it contains its position, and has no payload. */
interface Following {
  readonly event: { readonly position: number; readonly type: string; readonly time: string };
  readonly body: string;
}
const FOLLOW = `
INSERT INTO event (log, position, type, time, body, tenant, tree_id, run_id, grant_id, action_id, command_id)
VALUES ($1, $2, $3, $4, $5, $6, $5::json->>'treeId', $5::json->>'runId', $5::json->>'grantId', $5::json->>'actionId', $5::json->>'commandId')`;

const PUBLISH = `
INSERT INTO event (log, position, type, time, body, payload, tenant, tree_id, run_id, grant_id, action_id, command_id)
SELECT log, position, type, time, body, payload, $2, body->>'treeId', body->>'runId', body->>'grantId', body->>'actionId', body->>'commandId'
FROM import_event WHERE log = $1 ORDER BY position`;
