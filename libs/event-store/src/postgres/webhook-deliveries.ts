import type { CallbackEvent } from '@bailiwick/contracts/http/access-requests';
import type { SealedWebhookSecret } from '@bailiwick/contracts/webhooks/webhook';
import { LIMITS } from '@bailiwick/core/limits';
import { Client, Pool } from 'pg';
import { databaseWaits } from './waits';

const STATEMENT_MS = 5_000;
/** Identifies the lock of the one process that sends; an arbitrary number. */
const LOCK = 1_764_640_000;

/** Where and what to send. */
export interface WebhookTarget {
  readonly tenant: string;
  readonly name: string;
  /** differs after each change of its settings */
  readonly version: string;
  readonly url: string;
  /** undefined: events of all types */
  readonly types: readonly string[] | undefined;
  readonly secrets: readonly SealedWebhookSecret[];
  /** it is sent notifications of requests for access, in place of events */
  readonly callbacks: boolean;
}

type Versioned = Pick<WebhookTarget, 'tenant' | 'name' | 'version'>;

/** What a requester asked for. */
export interface WebhookCallback {
  readonly approval: string;
  readonly statusEndpoint: string;
  readonly state: string | undefined;
  readonly events: readonly string[] | undefined;
  /** of the event that ended the request; undefined while it waits */
  readonly position: number | undefined;
}

/** What became of a request for access, and by which event. */
export interface CallbackEnd {
  readonly log: string;
  readonly position: number;
  readonly status: CallbackEvent;
}

interface CallbackRow {
  readonly approval: string;
  readonly status_endpoint: string;
  readonly state: string | null;
  readonly events: string[] | null;
  readonly position: string | null;
  readonly ended_as: CallbackEvent | null;
}

/** How far a webhook has come in one log. Times in ms. */
export interface WebhookCursor {
  /** of the next event to send */
  readonly position: number;
  /** attempts of that event so far */
  readonly attempts: number;
  readonly nextAt: number | undefined;
  readonly error: string | undefined;
  /** of the first failed attempt since the last delivery */
  readonly failingSince: number | undefined;
  readonly deliveredAt: number | undefined;
  readonly delivered: number;
  readonly failed: number;
}

export const NEW_CURSOR: WebhookCursor = {
  position: 0,
  attempts: 0,
  nextAt: undefined,
  error: undefined,
  failingSince: undefined,
  deliveredAt: undefined,
  delivered: 0,
  failed: 0,
};

/** An event that is not tried again. */
export interface Buried {
  readonly position: number;
  readonly type: string;
  readonly attempts: number;
  readonly error: string;
}

interface TargetRow {
  readonly tenant: string;
  readonly name: string;
  readonly url: string;
  readonly types: string[] | null;
  readonly secrets: SealedWebhookSecret[];
  readonly callbacks: boolean;
  readonly version: string;
}

/**
 * What the sender of webhooks reads and writes. One process sends at a time: the one whose connection holds a lock of the
 * database. It writes cursors over that connection alone, so a process that has lost the lock, or the connection, cannot
 * move a cursor that another one has taken over.
 */
export class WebhookDeliveries {
  private readonly pool: Pool;
  private holder: Client | undefined;

  constructor(private readonly url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-webhook-targets',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  /** Whether this process sends. Takes the lock if it is free. A process that is killed loses it with its connection. */
  async hold(): Promise<boolean> {
    if (this.holder) return true;
    const client = new Client({
      connectionString: this.url,
      application_name: 'bailiwick-webhook-sender',
      keepAlive: true,
      ...databaseWaits(STATEMENT_MS),
    });
    const lost = (): void => {
      if (this.holder === client) this.holder = undefined;
    };
    client.on('error', lost);
    client.on('end', lost);
    await client.connect();
    try {
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [LOCK]);
      if (rows[0]?.taken === true) {
        this.holder = client;
        return true;
      }
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    await client.end();
    return false;
  }

  /** Gives up the lock, so that another process may send: this one continues only if it takes the lock again. */
  async release(): Promise<void> {
    const { holder } = this;
    this.holder = undefined;
    await holder?.end().catch(() => undefined);
  }

  /**
   * Changes with every change of a webhook. It is of all versions, since the highest one may be visible before a lower
   * one, whose transaction started earlier and ends later.
   */
  async version(): Promise<string> {
    const { rows } = await this.held().query<{ version: string }>(
      "SELECT coalesce(md5(string_agg(version::text, ',' ORDER BY version)), '') AS version FROM webhook",
    );
    return rows[0]?.version ?? '';
  }

  /** Returns all webhooks that are sent to. */
  async targets(): Promise<WebhookTarget[]> {
    const { rows } = await this.held().query<TargetRow>(
      'SELECT tenant, name, url, types, secrets, callbacks, version FROM webhook WHERE disabled_at IS NULL',
    );
    return rows.map(targetOf);
  }

  /** Returns a webhook, whether it is enabled or not. */
  async find(tenant: string, name: string): Promise<WebhookTarget | undefined> {
    const { rows } = await this.pool.query<TargetRow>(
      'SELECT tenant, name, url, types, secrets, callbacks, version FROM webhook WHERE tenant = $1 AND name = $2',
      [tenant, name],
    );
    return rows[0] && targetOf(rows[0]);
  }

  /** Returns how far a webhook has come in a log. A log that is newer than the webhook is sent from its start. */
  async cursor(tenant: string, name: string, log: string): Promise<WebhookCursor> {
    const { rows } = await this.held().query<{
      position: string;
      attempts: number;
      next_at: Date | null;
      error: string | null;
      failing_since: Date | null;
      delivered_at: Date | null;
      delivered: string;
      failed: string;
    }>('SELECT * FROM webhook_cursor WHERE tenant = $1 AND name = $2 AND log = $3', [tenant, name, log]);
    const [row] = rows;
    if (!row) return NEW_CURSOR;
    return {
      position: Number(row.position),
      attempts: row.attempts,
      nextAt: row.next_at?.getTime(),
      error: row.error ?? undefined,
      failingSince: row.failing_since?.getTime(),
      deliveredAt: row.delivered_at?.getTime(),
      delivered: Number(row.delivered),
      failed: Number(row.failed),
    };
  }

  /**
   * Saves a cursor, and the event before it that is not tried again, in one statement.
   * @returns false, without an effect, if the webhook was changed or removed since: what an attempt to its former address
   *   led to must not delay, bury or pass what its new settings are tried with
   */
  async save(
    { tenant, name, version }: Versioned,
    log: string,
    cursor: WebhookCursor,
    buried?: Buried,
  ): Promise<boolean> {
    const at = (ms: number | undefined): Date | null => (ms === undefined ? null : new Date(ms));
    const { rowCount } = await this.held().query(
      `WITH target AS MATERIALIZED (
         SELECT tenant, name FROM webhook WHERE tenant = $1 AND name = $2 AND version = $16 FOR SHARE),
       dead AS (
         INSERT INTO webhook_dead (tenant, name, log, position, type, attempts, error)
         SELECT tenant, name, $3::text, $12::bigint, $13::text, $14::int, $15::text FROM target
         WHERE $12::bigint IS NOT NULL
         ON CONFLICT DO NOTHING)
       INSERT INTO webhook_cursor
         (tenant, name, log, position, attempts, next_at, error, failing_since, delivered_at, delivered, failed)
       SELECT tenant, name, $3::text, $4::bigint, $5::int, $6::timestamptz, $7::text, $8::timestamptz,
         $9::timestamptz, $10::bigint, $11::bigint FROM target
       ON CONFLICT (tenant, name, log) DO UPDATE SET position = excluded.position, attempts = excluded.attempts,
         next_at = excluded.next_at, error = excluded.error, failing_since = excluded.failing_since,
         delivered_at = excluded.delivered_at, delivered = excluded.delivered, failed = excluded.failed`,
      [
        ...[tenant, name, log, cursor.position, cursor.attempts, at(cursor.nextAt), cursor.error ?? null],
        ...[at(cursor.failingSince), at(cursor.deliveredAt), cursor.delivered, cursor.failed],
        ...[buried?.position ?? null, buried?.type ?? null, buried?.attempts ?? null, buried?.error ?? null, version],
      ],
    );
    return rowCount === 1;
  }

  /** Returns the callback of a request for access at a webhook. */
  async callback(tenant: string, name: string, approval: string): Promise<WebhookCallback | undefined> {
    const { rows } = await this.pool.query<CallbackRow>(
      'SELECT * FROM webhook_callback WHERE tenant = $1 AND name = $2 AND approval = $3',
      [tenant, name, approval],
    );
    return rows[0] && callbackOf(rows[0]);
  }

  /** Returns the approvals of the requests for access that a webhook is notified of and that have not ended. */
  async waitingCallbacks(tenant: string, name: string): Promise<string[]> {
    const { rows } = await this.held().query<{ approval: string }>(
      'SELECT approval FROM webhook_callback WHERE tenant = $1 AND name = $2 AND position IS NULL',
      [tenant, name],
    );
    return rows.map(({ approval }) => approval);
  }

  /** Returns the callbacks of the requests for access that an event ended, with what became of them. */
  async endedCallbacks(
    tenant: string,
    name: string,
    log: string,
    position: number,
  ): Promise<(WebhookCallback & { readonly endedAs: CallbackEvent })[]> {
    const { rows } = await this.pool.query<CallbackRow>(
      `SELECT * FROM webhook_callback WHERE tenant = $1 AND name = $2 AND ended_log = $3 AND position = $4
       ORDER BY approval`,
      [tenant, name, log, position],
    );
    return rows.flatMap((row) => (row.ended_as === null ? [] : [{ ...callbackOf(row), endedAs: row.ended_as }]));
  }

  /** Records the event that ended a request for access, so that no later one is sent as its end. The first one stays. */
  async endCallback(
    tenant: string,
    name: string,
    approval: string,
    { log, position, status }: CallbackEnd,
  ): Promise<void> {
    await this.held().query(
      `UPDATE webhook_callback SET position = $4, ended_log = $5, ended_as = $6
       WHERE tenant = $1 AND name = $2 AND approval = $3 AND position IS NULL`,
      [tenant, name, approval, position, log, status],
    );
  }

  /** Disables a webhook, unless it was changed since; an administrator enables it again. */
  async disable({ tenant, name, version }: Versioned, reason: string): Promise<void> {
    await this.held().query(
      `UPDATE webhook SET disabled_at = clock_timestamp(), disabled_for = $3, version = nextval('webhook_version_seq')
       WHERE tenant = $1 AND name = $2 AND version = $4 AND disabled_at IS NULL`,
      [tenant, name, reason, version],
    );
  }

  /** Reports whether a webhook has as many dead letters as it may. */
  async isFull(tenant: string, name: string): Promise<boolean> {
    const { rows } = await this.held().query<{ count: string }>(
      'SELECT count(*) FROM webhook_dead WHERE tenant = $1 AND name = $2',
      [tenant, name],
    );
    return Number(rows[0]?.count ?? 0) >= LIMITS.webhooks.deadLetters;
  }

  /** Removes a dead letter, which has been delivered, unless the webhook was changed since: to another address, perhaps. */
  async unbury({ tenant, name, version }: Versioned, log: string, position: number): Promise<void> {
    await this.pool.query(
      `DELETE FROM webhook_dead WHERE tenant = $1 AND name = $2 AND log = $3 AND position = $4
         AND EXISTS (SELECT FROM webhook WHERE tenant = $1 AND name = $2 AND version = $5)`,
      [tenant, name, log, position, version],
    );
  }

  async close(): Promise<void> {
    await this.release();
    await this.pool.end();
  }

  private held(): Client {
    if (!this.holder) throw new Error('this process does not send webhooks any more');
    return this.holder;
  }
}

const callbackOf = ({ approval, status_endpoint, state, events, position }: CallbackRow): WebhookCallback => ({
  approval,
  statusEndpoint: status_endpoint,
  state: state ?? undefined,
  events: events ?? undefined,
  position: position === null ? undefined : Number(position),
});

const targetOf = ({ types, ...row }: TargetRow): WebhookTarget => ({ ...row, types: types ?? undefined });
