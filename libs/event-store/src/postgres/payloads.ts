import { parseLogName } from '@bailiwick/core/ids';
import { Pool } from 'pg';
import type { Opened, Payloads, PayloadSelection } from '../payloads';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { databaseWaits } from './waits';
import { toStoredEvent, type EventRow } from './event-row';

/** Erases payloads in PostgreSQL through a function of the database, since no role may change an event. */
export class PostgresPayloads implements Payloads {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 2,
      application_name: 'bailiwick-erasure',
      ...databaseWaits(),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  async openedFor(log: string, subjectRef: string, before: number): Promise<Opened> {
    const { rows } = await this.pool.query<{ runs: string; trees: string[] | null }>(OPENED, [log, subjectRef, before]);
    return { runs: Number(rows[0]?.runs ?? 0), trees: rows[0]?.trees ?? [] };
  }

  async count(log: string, selection: PayloadSelection): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ type: string; payloads: string }>(
      `SELECT type, count(*) AS payloads FROM event WHERE ${CHOSEN} GROUP BY type ORDER BY type`,
      chosen(log, selection),
    );
    return Object.fromEntries(rows.map(({ type, payloads }) => [type, Number(payloads)]));
  }

  async erase(log: string, erasure: number, selection: PayloadSelection, limit: number): Promise<number> {
    const { rows } = await this.pool.query<{ erased: number }>(
      `SELECT erase_payloads($1, $6, ARRAY(SELECT position FROM event WHERE ${CHOSEN} LIMIT $7)) AS erased`,
      [...chosen(log, selection), erasure, limit],
    );
    return rows[0]?.erased ?? 0;
  }

  async hasName(log: string, subjectRef: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      'SELECT FROM person_name WHERE tenant = $1 AND ref = $2 AND name IS NOT NULL',
      [parseLogName(log).tenant, subjectRef],
    );
    return rowCount === 1;
  }

  async eraseName(log: string, subjectRef: string): Promise<void> {
    await this.pool.query(
      `INSERT INTO person_name (tenant, ref, erased_at) VALUES ($1, $2, clock_timestamp())
       ON CONFLICT (tenant, ref) DO UPDATE SET name = NULL, erased_at = clock_timestamp() WHERE person_name.name IS NOT NULL`,
      [parseLogName(log).tenant, subjectRef],
    );
  }

  async unfinished(log: string): Promise<StoredEvent[]> {
    const { rows } = await this.pool.query<EventRow>(
      `SELECT log, position, type, time, body::text AS body FROM event WHERE log = $1 AND type = 'PayloadsErased'
        AND NOT EXISTS (SELECT FROM erasure_done AS done WHERE done.log = event.log AND done.position = event.position)
        ORDER BY position`,
      [log],
    );
    return rows.map(toStoredEvent);
  }

  async finished(log: string, erasure: number): Promise<void> {
    await this.pool.query('INSERT INTO erasure_done (log, position) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      log,
      erasure,
    ]);
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** Uses the index `event_opened_for`. */
const OPENED = `SELECT count(*) AS runs, array_agg(DISTINCT event_id(body, 'treeId')) AS trees
  FROM event WHERE log = $1 AND type = 'RunOpened' AND opened_for(body) = $2 AND position < $3`;

/** Each of the three conditions uses an index. */
const CHOSEN = `log = $1 AND position < $2 AND payload IS NOT NULL
  AND (event_id(body, 'treeId') = ANY($3) OR position = ANY($4) OR (type = 'PayloadsErased' AND body->'data'->>'subjectRef' = $5))`;
const chosen = (log: string, { before, trees, positions, subjectRef }: PayloadSelection): unknown[] => [
  log,
  before,
  trees,
  positions,
  subjectRef,
];
