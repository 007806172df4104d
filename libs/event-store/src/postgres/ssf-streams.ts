import type { SsfStream, StoredStream } from '@bailiwick/contracts/signals/ssf-stream';
import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import { databaseWaits } from './waits';

const STATEMENT_MS = 5_000;

type Row = Omit<StoredStream, 'reason' | 'verification'> & {
  readonly reason: string | null;
  readonly verification: SsfStream['verification'] | null;
};

/** The cursors at the present ends of the logs of a tenant. */
const ENDS = `(SELECT coalesce(jsonb_object_agg(l.name, jsonb_build_object('position',
    (SELECT coalesce(max(position) + 1, 0) FROM event WHERE log = l.name))), '{}')
  FROM log l WHERE l.tenant = $1)`;
const COLUMNS = `tenant, id, receiver, settings, status, reason, cursors, verification, version,
  (SELECT coalesce(json_agg(l.name ORDER BY l.name), '[]') FROM log l WHERE l.tenant = s.tenant) AS logs`;

/** The streams of security events of receivers, in PostgreSQL. */
export class PostgresSsfStreams {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-ssf-streams',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  /** Returns the streams of one receiver, oldest first. */
  async list(tenant: string, receiver: string): Promise<StoredStream[]> {
    const { rows } = await this.pool.query<Row>(
      `SELECT ${COLUMNS} FROM ssf_stream s WHERE tenant = $1 AND receiver = $2 ORDER BY created_at, id`,
      [tenant, receiver],
    );
    return rows.map(streamOf);
  }

  /**
   * Creates a stream at the present end of each log, in one statement: no later event is missed.
   * @returns false if the tenant has as many streams as it may
   */
  async create({ tenant, id, receiver, settings }: Pick<SsfStream, 'tenant' | 'id' | 'receiver' | 'settings'>) {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      // two creations at a time would each see room for one more
      await client.query("SELECT pg_advisory_xact_lock(hashtextextended('ssf stream ' || $1, 0))", [tenant]);
      const { rowCount } = await client.query(
        `INSERT INTO ssf_stream (tenant, id, receiver, settings, cursors)
         SELECT $1::text, $2::text, $3::text, $4::jsonb, ${ENDS}
         WHERE (SELECT count(*) FROM ssf_stream WHERE tenant = $1) < $5
         ON CONFLICT (tenant, id) DO NOTHING`,
        [tenant, id, receiver, JSON.stringify(settings), LIMITS.signals.streams],
      );
      await client.query('COMMIT');
      return rowCount === 1;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /** Replaces a stream. @returns false, without an effect, if it was changed or removed since it was read */
  async save(stream: SsfStream, restart: boolean): Promise<boolean> {
    const { tenant, id, receiver, settings, status, reason, cursors, verification, version } = stream;
    const { rowCount } = await this.pool.query(
      `UPDATE ssf_stream SET settings = $4::jsonb, status = $5, reason = $6, verification = $7::jsonb,
         cursors = CASE WHEN $9::boolean THEN ${ENDS} ELSE $8::jsonb END, version = version + 1
       WHERE tenant = $1 AND id = $2 AND receiver = $3 AND version = $10`,
      [
        ...[tenant, id, receiver, JSON.stringify(settings), status, reason ?? null],
        ...[
          verification === undefined ? null : JSON.stringify(verification),
          JSON.stringify(cursors),
          restart,
          version,
        ],
      ],
    );
    return rowCount === 1;
  }

  /** @returns whether the receiver had the stream */
  async remove(tenant: string, receiver: string, id: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      'DELETE FROM ssf_stream WHERE tenant = $1 AND receiver = $2 AND id = $3',
      [tenant, receiver, id],
    );
    return rowCount === 1;
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

const streamOf = ({ reason, verification, ...row }: Row): StoredStream => ({
  ...row,
  ...(reason === null ? {} : { reason }),
  ...(verification === null ? {} : { verification }),
});
