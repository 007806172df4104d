import { LIMITS } from '@bailiwick/core/limits';
import { Pool, type PoolClient, type QueryConfig } from 'pg';
import { checkBatch, SEPARATOR } from '../check-batch';
import { PostgresLeases } from './leases';
import { EVENT_COLUMNS, toStoredEvent, type EventRow } from './event-row';
import { readEvents } from './read';
import type { StoredEvent, StoredRow } from '@bailiwick/contracts/events/stored-event';
import type { AppendEvent, AppendResult, EventLog, Fence, Lease, Roster, SearchFilter, Snapshot } from '../port';
import { databaseWaits } from './waits';

/** a server that accepts a connection and does not respond within this time counts as unavailable */
const PROBE_MS = 1_000;

/** The event log in PostgreSQL, with hand-written SQL. The table's key is the fence (I5). */
export class PostgresEventLog implements EventLog {
  private readonly pool: Pool;
  /** a dedicated connection: a busy pool does not mean that the database is unavailable */
  private readonly probe: Pool;
  private readonly leases: PostgresLeases;
  private pinging: Promise<boolean> | undefined;

  constructor(url: string, options: { max?: number; onError?: (error: Error) => void } = {}) {
    this.pool = new Pool({
      connectionString: url,
      max: options.max ?? 8,
      application_name: 'bailiwick-eventlog',
      ...databaseWaits(),
    });
    // the pool replaces an idle connection that dies; without a listener it would end the process
    this.pool.on('error', options.onError ?? (() => undefined));
    this.probe = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-health',
      ...databaseWaits(PROBE_MS),
    });
    this.probe.on('error', () => undefined); // the next ping reports it
    this.leases = new PostgresLeases(url);
  }

  async createLog(log: string): Promise<void> {
    await this.pool.query('INSERT INTO log (name, tenant) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      log,
      log.split('/')[0],
    ]);
  }

  async listLogs(tenant?: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ name: string }>(
      'SELECT name FROM log WHERE $1::text IS NULL OR tenant = $1 ORDER BY name',
      [tenant ?? null],
    );
    return rows.map((row) => row.name);
  }

  async head(log: string): Promise<number> {
    const { rows } = await this.pool.query<{ next: string }>(
      'SELECT coalesce(max(position) + 1, 0) AS next FROM event WHERE log = $1',
      [log],
    );
    return Number(rows[0]?.next ?? 0);
  }

  async heads(): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ name: string; next: string }>(
      'SELECT name, coalesce((SELECT max(position) + 1 FROM event WHERE log = name), 0) AS next FROM log',
    );
    return Object.fromEntries(rows.map(({ name, next }) => [name, Number(next)]));
  }

  async append(
    log: string,
    expectedPosition: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter?: number,
  ): Promise<AppendResult> {
    checkBatch(expectedPosition, events);
    try {
      const { rowCount } = await this.pool.query({
        name: 'append',
        text: APPEND,
        values: appendValues(log, expectedPosition, events, fence, notAfter),
      });
      // One statement is one transaction. After a crash before it returns, the batch is wholly present or absent, and
      // the next load of the log shows which; the caller sends no response until then (I4).
      if (rowCount === events.length) return { ok: true, next: expectedPosition + events.length };
      return { ok: false, ...(await this.whyNothing(log, expectedPosition, fence, notAfter)) };
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === UNIQUE_VIOLATION)
        return { ok: false, reason: 'conflict', detail: `${log}@${expectedPosition} is taken` };
      return { ok: false, reason: 'unknown', detail: message };
    }
  }

  private async whyNothing(
    log: string,
    position: number,
    fence: Fence | undefined,
    notAfter: number | undefined,
  ): Promise<{ reason: 'fenced' | 'late' | 'conflict'; detail: string }> {
    if (fence !== undefined && !(await this.holds(log, fence)))
      return { reason: 'fenced', detail: `${log} is owned by another` };
    if (notAfter !== undefined && (await this.isPast(notAfter)))
      return { reason: 'late', detail: `the append reached ${log} too late` };
    return { reason: 'conflict', detail: `${log} is not at ${position}` };
  }

  private async isPast(moment: number): Promise<boolean> {
    const { rows } = await this.pool.query<{ past: boolean }>(
      'SELECT clock_timestamp() > to_timestamp($1::float8 / 1000) AS past',
      [moment],
    );
    return rows[0]?.past ?? false;
  }

  private async holds(log: string, { owner, epoch }: Fence): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      'SELECT FROM log WHERE name = $1 AND lease_owner = $2 AND lease_epoch = $3',
      [log, owner, epoch],
    );
    return rowCount === 1;
  }

  read(log: string, from: number, limit: number): Promise<StoredEvent[]> {
    return readEvents(this.pool, log, from, limit);
  }

  async rows(log: string, from: number, limit: number): Promise<StoredRow[]> {
    const { rows } = await this.pool.query<EventRow & StoredRow['columns']>({
      name: 'rows',
      text: `SELECT ${EVENT_COLUMNS}, ${REPEATED_COLUMNS} FROM event WHERE log = $1 AND position >= $2 ORDER BY position LIMIT $3`,
      values: [log, from, limit],
    });
    return rows.map((row) => {
      const { tenant, treeId, runId, grantId, actionId, commandId } = row;
      return { ...toStoredEvent(row), columns: { tenant, treeId, runId, grantId, actionId, commandId } };
    });
  }

  async search(filter: SearchFilter): Promise<StoredEvent[]> {
    const values: unknown[] = [filter.tenant];
    // a constraint checks `tenant` against `log`
    const where = ['tenant = $1'];
    // by the body if an index leads to few events; a scan of a whole log by the body would take minutes
    const isNarrow = filter.treeId !== undefined || filter.actionId !== undefined;
    for (const key of IDS) if (filter[key] !== undefined) where.push(`${idIn(key)} = $${values.push(filter[key])}`);
    if (filter.log !== undefined) where.push(`log = $${values.push(filter.log)}`);
    if (filter.commandId !== undefined)
      where.push(`${isNarrow ? idIn('commandId') : 'command_id'} = $${values.push(filter.commandId)}`);
    if (filter.after !== undefined) where.push(`position > $${values.push(filter.after)}`);
    if (filter.before !== undefined) where.push(`position < $${values.push(filter.before)}`);
    if (filter.type !== undefined)
      where.push(
        `${isNarrow ? idIn('type') : 'type'} = ANY($${values.push(typeof filter.type === 'string' ? [filter.type] : filter.type)})`,
      );
    const direction = filter.newestFirst ? 'DESC' : 'ASC';
    const { rows } = await this.pool.query<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM event WHERE ${where.join(' AND ')} ORDER BY log ${direction}, position ${direction} LIMIT $${values.push(filter.limit)}`,
      values,
    );
    return rows.map(toStoredEvent);
  }

  async at(log: string, positions: readonly number[]): Promise<StoredEvent[]> {
    const { rows } = await this.pool.query<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM event WHERE log = $1 AND position = ANY($2) ORDER BY position`,
      [log, positions],
    );
    return rows.map(toStoredEvent);
  }

  /**
   * Keeps the newest snapshots of this fold: an older one is a fallback if a newer one cannot be read. A crash rolls
   * the transaction back and leaves the earlier snapshots.
   */
  saveSnapshot(log: string, position: number, foldVersion: number, parts: Iterable<string>): Promise<void> {
    return this.inTransaction(async (client) => {
      const { rowCount } = await client.query(
        'INSERT INTO snapshot (log, position, fold_version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [log, position, foldVersion],
      );
      if (rowCount === 0) return;
      let part = 0;
      for (const state of parts)
        await client.query(
          'INSERT INTO snapshot_part (log, position, fold_version, part, state) VALUES ($1, $2, $3, $4, $5)',
          [log, position, foldVersion, part++, state],
        );
      await client.query(
        'DELETE FROM snapshot WHERE log = $1 AND fold_version = $2 AND position < (SELECT min(position) FROM (SELECT position FROM snapshot WHERE log = $1 AND fold_version = $2 ORDER BY position DESC LIMIT $3) AS newest)',
        [log, foldVersion, LIMITS.snapshotsKept],
      );
    });
  }

  async latestSnapshot(log: string, foldVersion: number, atOrBefore?: number): Promise<Snapshot | undefined> {
    const { rows } = await this.pool.query<{ position: string }>(
      'SELECT position FROM snapshot WHERE log = $1 AND fold_version = $2 AND ($3::bigint IS NULL OR position <= $3) ORDER BY position DESC LIMIT 1',
      [log, foldVersion, atOrBefore ?? null],
    );
    const row = rows[0];
    return row && { position: Number(row.position), parts: this.snapshotParts(log, Number(row.position), foldVersion) };
  }

  /** @throws if newer snapshots replaced this one while it was read */
  private async *snapshotParts(log: string, position: number, foldVersion: number): AsyncGenerator<string> {
    for (let part = 0; ; part++) {
      const { rows } = await this.pool.query<{ state: string | null }>(
        'SELECT (SELECT state FROM snapshot_part WHERE log = $1 AND position = $2 AND fold_version = $3 AND part = $4) AS state FROM snapshot WHERE log = $1 AND position = $2 AND fold_version = $3',
        [log, position, foldVersion, part],
      );
      if (!rows[0]) throw new Error(`the snapshot of ${log} at ${position} no longer exists`);
      if (rows[0].state === null) return;
      yield rows[0].state;
    }
  }

  private async inTransaction(work: (client: PoolClient) => Promise<void>): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await work(client);
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      client.release(true); // a connection in an open transaction is not reused
      throw error;
    }
  }

  heartbeat(owner: string, ttlMs: number, takes = true): Promise<Roster> {
    return this.leases.heartbeat(owner, ttlMs, takes);
  }

  acquireLease(log: string, owner: string): Promise<Lease | undefined> {
    return this.leases.acquire(log, owner);
  }

  releaseLease(log: string, owner: string): Promise<void> {
    return this.leases.release(log, owner);
  }

  leave(owner: string): Promise<void> {
    return this.leases.leave(owner);
  }

  /** Reports whether the database responds; concurrent calls share one query. */
  ping(timeoutMs: number): Promise<boolean> {
    return (this.pinging ??= this.pingOnce(timeoutMs).finally(() => (this.pinging = undefined)));
  }

  private async pingOnce(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
    // `query_timeout` drops a connection that does not respond, so that the next ping opens a new one
    const question: QueryConfig & { query_timeout: number } = { text: 'SELECT 1', query_timeout: timeoutMs };
    const answer = this.probe.query(question).then(
      () => true,
      () => false,
    );
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.probe.end(), this.leases.end()]);
  }

  /** Connects a follower that stores its position in the same transaction as its result. */
  connect(): Promise<PoolClient> {
    return this.pool.connect();
  }
}

const REPEATED_COLUMNS =
  'tenant, tree_id AS "treeId", run_id AS "runId", grant_id AS "grantId", action_id AS "actionId", command_id AS "commandId"';
const IDS = ['treeId', 'runId', 'grantId', 'actionId'] as const;
const idIn = (name: string): string => `event_id(body, '${name}')`;
const UNIQUE_VIOLATION = '23505';

/**
 * Appends all or nothing, only directly after the previous event, and only while the lease (if one is given) is still
 * held. FOR SHARE: the lease cannot pass to another owner before the commit, so that owner's first read finds the
 * events. A subquery reads the clock once: in the condition itself it would be read for every row, and half a batch
 * could be written.
 */
const APPEND = `
INSERT INTO event (log, position, type, time, body, payload, tenant, tree_id, run_id, grant_id, action_id, command_id)
SELECT $1, $2 + i - 1, type, time::timestamptz, body::json, payload::json, $3, tree_id, run_id, grant_id, action_id, command_id
FROM unnest(${['$4', '$5', '$6', '$7', '$8', '$9', '$10', '$11', '$12'].map((list) => `string_to_array(${list}, E'\\x01', '')`).join(', ')})
  WITH ORDINALITY AS fresh (type, time, body, payload, tree_id, run_id, grant_id, action_id, command_id, i)
WHERE CASE WHEN $2 = 0 THEN EXISTS (SELECT FROM log WHERE name = $1) ELSE EXISTS (SELECT FROM event WHERE log = $1 AND position = $2 - 1) END
  AND ($13::text IS NULL OR EXISTS (SELECT FROM log WHERE name = $1 AND lease_owner = $13 AND lease_epoch = $14 FOR SHARE))
  AND ($15::float8 IS NULL OR (SELECT clock_timestamp()) <= to_timestamp($15 / 1000))`;

/**
 * Encodes each column as one text, its values separated by a character that none of them contains (`checkBatch`), empty
 * for NULL: it needs no escaping, and the server splits it faster than it parses an array.
 */
function appendValues(
  log: string,
  position: number,
  events: readonly AppendEvent[],
  fence: Fence | undefined,
  notAfter: number | undefined,
): unknown[] {
  const column = (pick: (event: AppendEvent) => string | undefined) => events.map(pick).join(SEPARATOR);
  return [
    log,
    position,
    events[0]?.tenant,
    column((event) => event.type),
    column((event) => event.time),
    column((event) => event.body),
    column((event) => event.payload),
    column((event) => event.treeId),
    column((event) => event.runId),
    column((event) => event.grantId),
    column((event) => event.actionId),
    column((event) => event.commandId),
    fence?.owner ?? null,
    fence?.epoch ?? null,
    notAfter ?? null,
  ];
}
