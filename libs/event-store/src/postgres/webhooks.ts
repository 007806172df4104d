import {
  shownUrl,
  type DeadLetter,
  type SealedWebhookSecret,
  type WebhookCallbackSave,
  type WebhookSave,
  type WebhookView,
} from '@bailiwick/contracts/webhooks/webhook';
import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import { databaseWaits } from './waits';

const STATEMENT_MS = 5_000;

interface Row {
  readonly name: string;
  readonly url: string;
  readonly types: string[] | null;
  readonly secrets: SealedWebhookSecret[];
  readonly callbacks: boolean;
  readonly registered_at: Date;
  readonly disabled_at: Date | null;
  readonly disabled_for: string | null;
  readonly dead: string;
  readonly logs: ProgressRow[];
}
interface ProgressRow {
  readonly log: string;
  readonly position: number;
  readonly head: number;
  readonly attempts: number;
  readonly next_at: string | null;
  readonly error: string | null;
  readonly failing_since: string | null;
  readonly delivered_at: string | null;
  readonly delivered: number;
  readonly failed: number;
}

/** `failed`: attempts; `failing`: pairs of webhook and log whose last attempt failed. */
export interface WebhookTotals {
  readonly delivered: number;
  readonly failed: number;
  readonly failing: number;
  readonly dead: number;
  readonly disabled: number;
}

/** The webhooks that administrators registered, in PostgreSQL. The ledger sends to them (`webhook-deliveries.ts`). */
export class PostgresWebhooks {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-webhooks',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  /** Returns the webhooks of a tenant by name, without secrets; of one name only, if it is given. */
  async list(tenant: string, name?: string): Promise<WebhookView[]> {
    const { rows } = await this.pool.query<Row>(
      `SELECT w.*,
         (SELECT count(*) FROM webhook_dead d WHERE d.tenant = w.tenant AND d.name = w.name) AS dead,
         (SELECT coalesce(json_agg(json_build_object('log', c.log, 'position', c.position, 'attempts', c.attempts,
            'next_at', c.next_at, 'error', c.error, 'failing_since', c.failing_since, 'delivered_at', c.delivered_at,
            'delivered', c.delivered, 'failed', c.failed,
            'head', (SELECT coalesce(max(e.position) + 1, 0) FROM event e WHERE e.log = c.log)) ORDER BY c.log), '[]')
          FROM webhook_cursor c WHERE c.tenant = w.tenant AND c.name = w.name) AS logs
       FROM webhook w WHERE w.tenant = $1 AND ($2::text IS NULL OR w.name = $2) ORDER BY w.name COLLATE "C"`,
      [tenant, name ?? null],
    );
    return rows.map(viewOf);
  }

  /**
   * Registers a webhook, or replaces the settings of the one of its name. A new one starts at the present end of each log
   * of its tenant, in the same transaction: no later event is missed, and no earlier one is sent. A former one continues
   * where it was, and is tried at once.
   * @returns whether it is new; undefined if the tenant has as many webhooks as it may, or if it is new without a secret
   */
  async save({ tenant, webhook, url, types, secret, enabled, callbacks }: WebhookSave): Promise<boolean | undefined> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      // two registrations at a time would each see room for one more
      await client.query("SELECT pg_advisory_xact_lock(hashtextextended('webhook ' || $1, 0))", [tenant]);
      const { rows } = await client.query<{ fresh: boolean }>(
        `WITH known AS (SELECT secrets FROM webhook WHERE tenant = $1 AND name = $2)
         INSERT INTO webhook (tenant, name, url, types, secrets, disabled_at, disabled_for, callbacks)
         SELECT $1::text, $2::text, $3::text, $4::jsonb, coalesce($5::jsonb, (SELECT secrets FROM known)),
           CASE WHEN $6::boolean THEN NULL ELSE clock_timestamp() END,
           CASE WHEN $6::boolean THEN NULL ELSE 'an administrator disabled it' END, $8::boolean
         WHERE EXISTS (SELECT FROM known)
           OR ($5::jsonb IS NOT NULL AND (SELECT count(*) FROM webhook WHERE tenant = $1) < $7)
         ON CONFLICT (tenant, name) DO UPDATE SET url = excluded.url, types = excluded.types,
           secrets = excluded.secrets, disabled_at = excluded.disabled_at,
           disabled_for = excluded.disabled_for, callbacks = excluded.callbacks,
           version = nextval('webhook_version_seq')
         RETURNING xmax = 0 AS fresh`,
        [
          tenant,
          webhook,
          url,
          types === null ? null : JSON.stringify(types),
          secret === undefined ? null : JSON.stringify([secret]),
          enabled,
          LIMITS.webhooks.perTenant,
          callbacks,
        ],
      );
      const isNew = rows[0]?.fresh;
      if (isNew === true)
        await client.query(
          `INSERT INTO webhook_cursor (tenant, name, log, position)
           SELECT $1::text, $2::text, l.name, (SELECT coalesce(max(position) + 1, 0) FROM event WHERE log = l.name)
           FROM log l WHERE l.tenant = $1`,
          [tenant, webhook],
        );
      else if (isNew === false)
        await client.query(
          `UPDATE webhook_cursor SET attempts = 0, next_at = NULL, error = NULL, failing_since = NULL
           WHERE tenant = $1 AND name = $2`,
          [tenant, webhook],
        );
      await client.query('COMMIT');
      return isNew;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /**
   * Has a webhook notified of the end of a request for access. A repeated request replaces the state and the events. Of
   * those that were notified the newest stay, so that a requester which repeats and withdraws takes the room of no other.
   * @returns whether the address is exactly that of an enabled webhook for callbacks, and the tenant has room
   */
  async addCallback({ tenant, approval, statusEndpoint, callback }: WebhookCallbackSave): Promise<boolean> {
    const { endpoint, state, events } = callback;
    await this.pool.query(
      `DELETE FROM webhook_callback WHERE tenant = $1 AND (asked_at < clock_timestamp() - $2 * interval '1 millisecond'
         OR (tenant, name, approval) IN (
           SELECT b.tenant, b.name, b.approval FROM webhook_callback b JOIN webhook_cursor c
             ON (c.tenant, c.name, c.log) = (b.tenant, b.name, b.ended_log) AND c.position > b.position
           WHERE b.tenant = $1 ORDER BY b.asked_at DESC, b.approval OFFSET $3))`,
      [tenant, LIMITS.webhooks.callbackMs, LIMITS.webhooks.notifiedCallbacks],
    );
    const { rowCount } = await this.pool.query(
      `INSERT INTO webhook_callback (tenant, name, approval, status_endpoint, state, events)
       SELECT tenant, name, $3, $4, $5, $6::jsonb FROM webhook
       WHERE tenant = $1 AND url = $2 AND callbacks AND disabled_at IS NULL
         AND (SELECT count(*) FROM webhook_callback WHERE tenant = $1) < $7
       ON CONFLICT (tenant, name, approval) DO UPDATE SET status_endpoint = excluded.status_endpoint,
         state = excluded.state, events = excluded.events`,
      [
        ...[tenant, endpoint, approval, statusEndpoint, state ?? null],
        ...[events === undefined ? null : JSON.stringify(events), LIMITS.webhooks.callbacks],
      ],
    );
    return (rowCount ?? 0) > 0;
  }

  /**
   * Adds a secret. The one before it signs too for `overlapMs`, and so do earlier ones until their ends: a rotation that is
   * repeated since its response was lost takes nothing away that receivers use. There are four at most.
   * @returns the end of the former secret; undefined if there is no such webhook
   */
  async rotate(
    tenant: string,
    webhook: string,
    secret: SealedWebhookSecret,
    overlapMs: number,
  ): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ until: Date }>(
      `WITH ends AS (SELECT clock_timestamp() + $4 * interval '1 millisecond' AS until)
       UPDATE webhook SET version = nextval('webhook_version_seq'),
         secrets = jsonb_build_array($3::jsonb) || (
           SELECT coalesce(jsonb_agg(CASE WHEN each ? 'until' THEN each ELSE each || jsonb_build_object('until', to_char(
             (SELECT until FROM ends) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) END ORDER BY n), '[]')
           FROM jsonb_array_elements(secrets) WITH ORDINALITY AS former (each, n)
           WHERE n < 4 AND (NOT each ? 'until' OR (each ->> 'until')::timestamptz > clock_timestamp()))
       WHERE tenant = $1 AND name = $2 RETURNING (SELECT until FROM ends) AS until`,
      [tenant, webhook, JSON.stringify(secret), overlapMs],
    );
    return rows[0]?.until.toISOString();
  }

  /** Removes a webhook with its secrets, its cursors and its dead letters. @returns whether it was registered */
  async remove(tenant: string, webhook: string): Promise<boolean> {
    const { rowCount } = await this.pool.query('DELETE FROM webhook WHERE tenant = $1 AND name = $2', [
      tenant,
      webhook,
    ]);
    return rowCount === 1;
  }

  /** Returns the dead letters of a webhook, newest first. */
  async deadLetters(tenant: string, webhook: string): Promise<DeadLetter[]> {
    const { rows } = await this.pool.query<{
      log: string;
      position: string;
      type: string;
      attempts: number;
      error: string;
      buried_at: Date;
    }>(
      `SELECT log, position, type, attempts, error, buried_at FROM webhook_dead WHERE tenant = $1 AND name = $2
       ORDER BY buried_at DESC, log, position DESC LIMIT $3`,
      [tenant, webhook, LIMITS.webhooks.deadLetters],
    );
    return rows.map(({ log, position, buried_at, ...rest }) => ({
      id: `${log}:${position}`,
      ...rest,
      at: buried_at.toISOString(),
    }));
  }

  /** Sums over all tenants, for the metrics of the installation. */
  async totals(): Promise<WebhookTotals> {
    const { rows } = await this.pool.query<Record<keyof WebhookTotals, string>>(
      `SELECT coalesce(sum(delivered), 0) AS delivered, coalesce(sum(failed), 0) AS failed,
         count(*) FILTER (WHERE failing_since IS NOT NULL) AS failing,
         (SELECT count(*) FROM webhook_dead) AS dead,
         (SELECT count(*) FROM webhook WHERE disabled_at IS NOT NULL) AS disabled
       FROM webhook_cursor`,
    );
    const number = (name: keyof WebhookTotals): number => Number(rows[0]?.[name] ?? 0);
    return {
      delivered: number('delivered'),
      failed: number('failed'),
      failing: number('failing'),
      dead: number('dead'),
      disabled: number('disabled'),
    };
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

const iso = (text: string): string => new Date(text).toISOString();

function viewOf({ name, url, types, secrets, callbacks, registered_at, disabled_at, disabled_for, dead, logs }: Row) {
  return {
    name,
    url: shownUrl(url),
    ...(types === null ? {} : { types }),
    enabled: disabled_at === null,
    ...(disabled_at === null ? {} : { disabled: { at: disabled_at.toISOString(), reason: disabled_for ?? '' } }),
    callbacks,
    registeredAt: registered_at.toISOString(),
    secrets: secrets.length,
    deadLetters: Number(dead),
    logs: logs.map((each) => ({
      log: each.log,
      position: each.position,
      behind: Math.max(0, each.head - each.position),
      attempts: each.attempts,
      ...(each.next_at === null ? {} : { nextAt: iso(each.next_at) }),
      ...(each.error === null ? {} : { error: each.error }),
      ...(each.failing_since === null ? {} : { failingSince: iso(each.failing_since) }),
      ...(each.delivered_at === null ? {} : { lastDeliveredAt: iso(each.delivered_at) }),
      delivered: each.delivered,
      failed: each.failed,
    })),
  };
}
