import type { SessionHolder, StoredSession } from '@bailiwick/contracts/sessions/session';
import { LIMITS } from '@bailiwick/core/limits';
import { Pool, type PoolClient } from 'pg';
import { databaseWaits } from './waits';

const STATEMENT_MS = 5_000;
const { idleMs, lifeMs, linkMs, perHolder, perTenant, useMs } = LIMITS.sessions;

export interface Started {
  readonly tenant: string;
  readonly holder: SessionHolder;
}

/** Sessions of browsers in PostgreSQL. The database's clock decides when they end. */
export class PostgresSessions {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 2,
      application_name: 'bailiwick-sessions',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  /** Stores a link, and returns when it ends. Links that have ended are removed. */
  async addLink(digest: string, { tenant, holder }: Started): Promise<string> {
    await this.pool.query('DELETE FROM session_link WHERE expires_at <= clock_timestamp()');
    const text = JSON.stringify(holder);
    await this.pool.query(PRUNE_LINKS_OF_HOLDER, [tenant, perHolder, text]);
    await this.pool.query(PRUNE_LINKS, [tenant, perTenant]);
    const { rows } = await this.pool.query<{ expires_at: Date }>(
      `INSERT INTO session_link (digest, tenant, holder, expires_at)
       VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
       ON CONFLICT (digest) DO NOTHING RETURNING expires_at`,
      [digest, tenant, text, linkMs],
    );
    const stored =
      rows[0] ??
      (await this.pool.query<{ expires_at: Date }>('SELECT expires_at FROM session_link WHERE digest = $1', [digest]))
        .rows[0];
    return (stored as { expires_at: Date }).expires_at.toISOString();
  }

  /**
   * Starts a session. A link is used up in the same transaction: of several requests with one link, one starts a session.
   * @param from a holder, or the digest of a link
   * @returns undefined if there is no such link, or no more
   */
  async start(digest: string, from: Started | { readonly link: string }): Promise<StoredSession | undefined> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const known = await read(client, digest, false);
      const holder = known ?? ('link' in from ? await taken(client, from.link) : from);
      if (holder && !known) await insert(client, digest, holder);
      const session = known ?? (holder && (await read(client, digest, false)));
      await client.query('COMMIT');
      return session;
    } catch (error) {
      broken = error as Error; // the connection is closed, which ends the transaction
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** Returns a session that has not ended. @param use whether this is a use of it */
  async find(digest: string, use: boolean): Promise<StoredSession | undefined> {
    return read(this.pool, digest, use);
  }

  async end(digest: string): Promise<void> {
    await this.pool.query('DELETE FROM browser_session WHERE digest = $1', [digest]);
  }

  /** Ends the sessions of a person of an issuer, and returns how many. */
  async endOf(tenant: string, ref: string): Promise<number> {
    const { rowCount } = await this.pool.query('DELETE FROM browser_session WHERE tenant = $1 AND person_ref = $2', [
      tenant,
      ref,
    ]);
    return rowCount ?? 0;
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

interface SessionRow {
  readonly tenant: string;
  readonly holder: SessionHolder;
  readonly used_at: Date;
  readonly expires_at: Date;
}

async function read(
  client: Pick<PoolClient, 'query'>,
  digest: string,
  use: boolean,
): Promise<StoredSession | undefined> {
  if (use) await client.query({ name: 'use-session', text: USE, values: [digest, useMs, idleMs] });
  const { rows } = await client.query<SessionRow>({ name: 'find-session', text: FIND, values: [digest, idleMs] });
  const [row] = rows;
  if (!row) return undefined;
  const { tenant, holder, used_at: used, expires_at: expires } = row;
  const idle = Math.min(used.getTime() + idleMs, expires.getTime());
  return { tenant, holder, expiresAt: expires.toISOString(), idleExpiresAt: new Date(idle).toISOString() };
}

async function taken(client: PoolClient, link: string): Promise<Started | undefined> {
  const { rows } = await client.query<Started & { live: boolean }>(
    'DELETE FROM session_link WHERE digest = $1 RETURNING tenant, holder, expires_at > clock_timestamp() AS live',
    [link],
  );
  return rows[0]?.live ? { tenant: rows[0].tenant, holder: rows[0].holder } : undefined;
}

async function insert(client: PoolClient, digest: string, { tenant, holder }: Started): Promise<void> {
  await client.query(ENDED, [idleMs]);
  const text = JSON.stringify(holder);
  await client.query(PRUNE_OF_HOLDER, [tenant, perHolder, text]);
  await client.query(PRUNE, [tenant, perTenant]);
  await client.query(
    `INSERT INTO browser_session (digest, tenant, holder, person_ref, expires_at)
     VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')`,
    [digest, tenant, text, holder.kind === 'person' ? holder.ref : null, lifeMs],
  );
}

const LIVE = `expires_at > clock_timestamp() AND used_at > clock_timestamp() - $2 * interval '1 millisecond'`;
const FIND = `SELECT tenant, holder, used_at, expires_at FROM browser_session WHERE digest = $1 AND ${LIVE}`;
/** A use within `useMs` of the last one is not written. */
const USE = `
UPDATE browser_session SET used_at = clock_timestamp()
WHERE digest = $1 AND used_at < clock_timestamp() - $2 * interval '1 millisecond'
  AND used_at > clock_timestamp() - $3 * interval '1 millisecond'`;
const ENDED = `
DELETE FROM browser_session
WHERE expires_at <= clock_timestamp() OR used_at <= clock_timestamp() - $1 * interval '1 millisecond'`;
/** Leaves room for one more: the least recently used ones end, of the holder first, so that no holder ends those of others. */
const prune = (table: string, order: string, which: string): string => `
DELETE FROM ${table} WHERE digest IN (
  SELECT digest FROM ${table} WHERE tenant = $1 ${which} ORDER BY ${order} DESC OFFSET $2 - 1)`;
const OF_HOLDER = 'AND holder::text = $3';
const PRUNE = prune('browser_session', 'used_at', '');
const PRUNE_OF_HOLDER = prune('browser_session', 'used_at', OF_HOLDER);
const PRUNE_LINKS = prune('session_link', 'expires_at', '');
const PRUNE_LINKS_OF_HOLDER = prune('session_link', 'expires_at', OF_HOLDER);
