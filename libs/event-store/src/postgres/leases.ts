import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import type { Lease, Roster } from '../port';
import { databaseWaits } from './waits';

/** a heartbeat that takes so long has come too late; the next one tries again */
const STATEMENT_MS = 1_500;

/**
 * Who owns which log, in PostgreSQL. On a connection of its own: a heartbeat must not wait behind the loading of a log.
 *
 * Nothing here waits for the disk. The write-ahead log has one order, so whatever an owner has written under a lease
 * has made the lease durable, too; a lease that a crash forgets has nothing under it.
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
    this.pool.on('error', () => undefined); // the next heartbeat says so
  }

  async heartbeat(owner: string, ttlMs: number, takes: boolean): Promise<Roster> {
    await this.pool.query({ name: 'beat', text: BEAT, values: [owner, ttlMs, takes] });
    // A statement of its own, which sees what was taken until that one was through: while this owner's row says that it
    // is there, nobody takes anything from it.
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

/** What was killed long ago is swept out on the way. */
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
 * The rows of both owners are locked while it is looked whether they are there: a heartbeat of the old one that comes at
 * this moment is before this, and then the lease is not given, or after it, and then its roster does not have the log.
 * The epoch that was seen must still be there: of several who find a log free, one gets it.
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
