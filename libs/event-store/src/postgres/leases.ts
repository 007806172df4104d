import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import type { Lease, Roster } from '../port';
import { databaseWaits } from './waits';

/** a heartbeat that takes longer than this is too late; the next one tries again */
const STATEMENT_MS = 1_500;

/**
 * Stores who owns which log in PostgreSQL. Uses a dedicated connection: a heartbeat must not wait for the load of a
 * log.
 *
 * Nothing here waits for the disk. The write-ahead log has one order, so any event written under a lease makes the
 * lease durable, too; a lease that a crash loses covers no event.
 */
export class PostgresLeases {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-leases',
      ...databaseWaits(STATEMENT_MS),
      options: '-c synchronous_commit=off',
    });
    this.pool.on('error', () => undefined); // the next heartbeat reports it
  }

  async heartbeat(owner: string, ttlMs: number, takes: boolean): Promise<Roster> {
    await this.pool.query({ name: 'beat', text: BEAT, values: [owner, ttlMs, takes] });
    // A separate statement, which sees what others took until the heartbeat committed: while this owner's row states
    // that it is alive, no other owner takes its logs.
    const { rows } = await this.pool.query<RosterRow>({
      name: 'roster',
      text: ROSTER,
      values: [owner, LIMITS.freeLogs],
    });
    const { now, owners, held, logs, free } = rows[0] as RosterRow;
    return { now, owners, held: new Map(held.map(([log, epoch]) => [log, { epoch }])), logs: Number(logs), free };
  }

  async acquire(log: string, owner: string): Promise<Lease | undefined> {
    const { rows } = await this.pool.query<{ epoch: string }>(ACQUIRE, [log, owner]);
    return rows[0] && { epoch: Number(rows[0].epoch) };
  }

  async release(log: string, owner: string): Promise<void> {
    await this.pool.query('UPDATE log SET lease_owner = NULL WHERE name = $1 AND lease_owner = $2', [log, owner]);
  }

  async leave(owner: string): Promise<void> {
    await this.pool.query('DELETE FROM log_owner WHERE name = $1', [owner]);
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}

interface RosterRow {
  now: number;
  owners: string[];
  held: [log: string, epoch: number][];
  logs: string;
  free: string[];
}

/** Also removes owners that died long ago. */
const BEAT = `
WITH swept AS (DELETE FROM log_owner WHERE until < clock_timestamp() - interval '1 hour' AND name <> $1)
INSERT INTO log_owner (name, until, takes) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond', $3)
ON CONFLICT (name) DO UPDATE SET until = excluded.until, takes = excluded.takes`;

const ROSTER = `
WITH there AS (SELECT name, takes FROM log_owner WHERE until > clock_timestamp())
SELECT
  extract(epoch FROM clock_timestamp())::float8 * 1000 AS now,
  ARRAY(SELECT name FROM there WHERE takes ORDER BY name COLLATE "C") AS owners,
  coalesce((SELECT json_agg(json_build_array(name, lease_epoch)) FROM log WHERE lease_owner = $1), '[]') AS held,
  (SELECT count(*) FROM log) AS logs,
  ARRAY(SELECT name FROM log WHERE lease_owner IS NULL OR lease_owner NOT IN (SELECT name FROM there)
    ORDER BY md5(name || $1) LIMIT $2) AS free`;

/**
 * Locks the rows of both owners while it checks whether they are alive: a concurrent heartbeat of the old owner commits
 * either before, and then the lease is not given, or after, and then its roster lacks the log. The epoch must still be
 * the one that was read: of several owners that find a log free, one gets it.
 */
const ACQUIRE = `
WITH seen AS (SELECT lease_epoch AS epoch, lease_owner AS owner FROM log WHERE name = $1),
  asked AS (SELECT name, until > clock_timestamp() AS there FROM log_owner
    WHERE name = $2 OR name = (SELECT owner FROM seen) ORDER BY name FOR SHARE)
UPDATE log SET
  lease_epoch = CASE WHEN lease_owner = $2 THEN lease_epoch ELSE lease_epoch + 1 END,
  lease_owner = $2
FROM seen
WHERE log.name = $1 AND lease_epoch = seen.epoch
  AND EXISTS (SELECT FROM asked WHERE name = $2 AND there)
  AND (lease_owner IS NULL OR lease_owner = $2
    OR lease_owner = seen.owner AND NOT EXISTS (SELECT FROM asked WHERE name = seen.owner AND there))
RETURNING lease_epoch AS epoch`;
