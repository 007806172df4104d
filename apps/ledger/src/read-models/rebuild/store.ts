import { Client } from 'pg';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';
import { LIMITS } from '@bailiwick/core/limits';
import { MOVE_REBUILT, writeMade, type Made, type Writer } from '../read-model-writer';
import { REBUILD_LOCK as LOCK, type Difference, type Rebuilt } from './status';

interface Compared {
  readonly count: number;
  readonly samples: readonly Difference[];
}
/** The rows written since the comparison, by kind and id, and the revocations whose consequences were. */
export interface Touched {
  readonly items: Map<string, readonly [kind: string, id: string]>;
  readonly revocations: Set<string>;
}
/** rows removed by one statement */
const AT_ONCE = 5_000;
const TABLES = ['item', 'piece', 'consequence'] as const;

/** The new set of a log's read models during a rebuild. One connection writes it; another reads both sets. */
export class RebuildStore {
  private constructor(
    private readonly log: string,
    private readonly writer: Client,
    private readonly reader: Client,
    private readonly gen: number,
  ) {}

  /**
   * Removes the partial set of an earlier rebuild, and starts a new one.
   * @returns undefined if a rebuild of the log is running
   * @throws Error if no ledger has followed the log yet
   */
  static async begin(url: string, log: string): Promise<RebuildStore | undefined> {
    const connect = async (): Promise<Client> => {
      const client = new Client({
        connectionString: url,
        application_name: 'bailiwick-rebuild',
        ...databaseWaits(LIMITS.databaseLongMs),
      });
      client.on('error', () => undefined); // the next statement fails with it
      await client.connect();
      return client;
    };
    const [writer, reader] = [await connect(), await connect()];
    try {
      const lock = await writer.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1, hashtext($2)) AS mine', [
        LOCK,
        log,
      ]);
      if (!lock.rows[0]?.mine) {
        await Promise.all([writer.end(), reader.end()]);
        return undefined;
      }
      await clean(writer, log);
      const { rows } = await writer.query<{ gen: number }>(
        `INSERT INTO ledger.rebuild AS r (log, gen, position) SELECT log, gen + 1, 0 FROM ledger.follower WHERE log = $1
         ON CONFLICT (log) DO UPDATE SET gen = greatest(r.gen, excluded.gen - 1) + 1, position = 0, started = now(), ended = NULL, told = NULL
         RETURNING gen`,
        [log],
      );
      if (!rows[0]) throw new Error(`${log} has no read models yet`);
      return new RebuildStore(log, writer, reader, rows[0].gen);
    } catch (error) {
      await Promise.all([writer.end(), reader.end()]);
      throw error;
    }
  }

  /** Releases the lock of the log, so that the next rebuild can start. */
  async end(): Promise<void> {
    await Promise.all([this.writer.end(), this.reader.end()]);
  }

  async livePosition(): Promise<number> {
    const { rows } = await this.reader.query<{ position: string }>(
      'SELECT position FROM ledger.follower WHERE log = $1',
      [this.log],
    );
    return Number(rows[0]?.position ?? 0);
  }

  write(from: number, next: number, made: Made): Promise<void> {
    const run: Writer['run'] = async (sql, values) => (await this.writer.query<object>(sql, values)).rows;
    const together: Writer['together'] = async (work) => {
      await this.writer.query('BEGIN TRANSACTION');
      try {
        await work(run);
        await this.writer.query('COMMIT');
      } catch (error) {
        await this.writer.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    };
    return writeMade({ move: MOVE_REBUILT, more: [this.gen], run, together }, this.log, from, next, made);
  }

  /**
   * Compares both sets in one snapshot. Rows that events from `at` on have changed are left to `compareTouched`.
   * @param at the position of the new set
   */
  async compare(at: number): Promise<Compared> {
    await this.reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const { rows } = await this.reader.query<{ gen: number }>('SELECT gen FROM ledger.follower WHERE log = $1', [
        this.log,
      ]);
      const values = [this.log, rows[0]?.gen, this.gen, at];
      return sum([
        await this.differing(ITEMS('', 'l.updated IS NULL OR l.updated < $4'), values),
        await this.differing(CONSEQUENCES('', 'l.position IS NULL OR l.position < $4'), values),
        await this.differing(PIECES, values.slice(0, 3)),
      ]);
    } finally {
      await this.reader.query('ROLLBACK');
    }
  }

  /** Compares single rows, when both sets are at the same position. */
  async compareTouched({ items, revocations }: Touched): Promise<Compared> {
    const { rows } = await this.reader.query<{ gen: number }>('SELECT gen FROM ledger.follower WHERE log = $1', [
      this.log,
    ]);
    const both = [this.log, rows[0]?.gen, this.gen];
    const keys = [...items.values()];
    return sum([
      await this.differing(ITEMS('AND (kind, id) IN (SELECT * FROM unnest($4::text[], $5::text[]))', 'true'), [
        ...both,
        keys.map(([kind]) => kind),
        keys.map(([, id]) => id),
      ]),
      await this.differing(CONSEQUENCES('AND revocation_id = ANY($4)', 'true'), [...both, [...revocations]]),
    ]);
  }

  private async differing(sql: string, values: unknown[]): Promise<Compared> {
    const { rows } = await this.reader.query<Difference & { count: string }>(
      `SELECT *, count(*) OVER () AS count FROM (${sql}) AS d LIMIT ${LIMITS.sampleSize}`,
      values,
    );
    return { count: Number(rows[0]?.count ?? 0), samples: rows.map(({ row, how }) => ({ row, how })) };
  }

  /**
   * Replaces the current set by the new one, in one transaction that blocks the live follower until the new set has
   * caught up. After a crash before the commit the current set stays in use; after the commit, the new one is in use.
   * @param finish writes the rest of the new set, up to the live position
   */
  async switchOver(finish: (live: number) => Promise<Rebuilt>): Promise<Rebuilt> {
    await this.reader.query('BEGIN TRANSACTION');
    let result: Rebuilt;
    try {
      await this.reader.query("SET LOCAL lock_timeout = '10s'");
      const { rows } = await this.reader.query<{ position: string }>(
        'SELECT position FROM ledger.follower WHERE log = $1 FOR UPDATE',
        [this.log],
      );
      result = await finish(Number(rows[0]?.position ?? 0));
      await this.reader.query('UPDATE ledger.follower SET gen = $2 WHERE log = $1', [this.log, this.gen]);
      await this.reader.query('UPDATE ledger.rebuild SET ended = now(), told = $2 WHERE log = $1', [
        this.log,
        JSON.stringify(result),
      ]);
      await this.reader.query('COMMIT');
    } catch (error) {
      await this.reader.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    await clean(this.writer, this.log);
    return result;
  }

  /** Records why the rebuild failed. */
  async fail(error: string): Promise<void> {
    await this.writer.query('UPDATE ledger.rebuild SET ended = now(), told = $2 WHERE log = $1 AND ended IS NULL', [
      this.log,
      JSON.stringify({ error }),
    ]);
  }
}

/** Removes every set except the one in use, in small batches. */
async function clean(client: Client, log: string): Promise<void> {
  for (const table of TABLES) {
    for (let removed = AT_ONCE; removed === AT_ONCE;) {
      const { rowCount } = await client.query(
        `DELETE FROM ledger.all_${table} WHERE ctid = ANY(ARRAY(
           SELECT t.ctid FROM ledger.all_${table} AS t JOIN ledger.follower AS f ON f.log = t.log AND f.gen <> t.gen WHERE t.log = $1 LIMIT ${AT_ONCE}))`,
        [log],
      );
      removed = rowCount ?? 0;
    }
  }
}

const sum = (parts: readonly Compared[]): Compared => ({
  count: parts.reduce((total, { count }) => total + count, 0),
  samples: parts.flatMap(({ samples }) => samples),
});

const side = (table: string, gen: '$2' | '$3', more: string): string =>
  `(SELECT * FROM ledger.all_${table} WHERE log = $1 AND gen = ${gen} ${more})`;
const how = (key: string): string =>
  `CASE WHEN n.${key} IS NULL THEN 'extra' WHEN l.${key} IS NULL THEN 'missing' ELSE 'differs' END AS how`;
const distinct = (columns: readonly string[]): string => {
  const row = (of: string): string => `ROW(${columns.map((column) => `${of}.${column}`).join(', ')})`;
  return `${row('l')} IS DISTINCT FROM ${row('n')}`;
};

const ITEM = ['position', 'updated', 'tree_id', 'run_id', 'grant_id', 'agent_class', 'status', 'view::text'];
const ITEMS = (which: string, and: string): string => `
  SELECT coalesce(l.kind, n.kind) || ' ' || coalesce(l.id, n.id) AS row, ${how('id')}
  FROM ${side('item', '$2', which)} AS l FULL JOIN ${side('item', '$3', which)} AS n ON l.kind = n.kind AND l.id = n.id
  WHERE (${and}) AND ${distinct(ITEM)}`;
const CONSEQUENCE = ['position', 'run_id', 'agent_class', 'in_flight', 'pending_approvals', 'reserved_cost::text'];
const CONSEQUENCES = (which: string, and: string): string => `
  SELECT 'consequence ' || coalesce(l.revocation_id, n.revocation_id) || ' ' || coalesce(l.grant_id, n.grant_id) AS row, ${how('grant_id')}
  FROM ${side('consequence', '$2', which)} AS l FULL JOIN ${side('consequence', '$3', which)} AS n
    ON l.revocation_id = n.revocation_id AND l.grant_id = n.grant_id
  WHERE (${and}) AND ${distinct(CONSEQUENCE)}`;
/** A piece of the current set may have further hashes after those of the new set. */
const PIECES = `
  SELECT 'tree level ' || n.level || ' piece ' || n.index AS row, ${how('level')}
  FROM ${side('piece', '$3', '')} AS n LEFT JOIN ${side('piece', '$2', '')} AS l ON l.level = n.level AND l.index = n.index
  WHERE substring(l.hashes FOR octet_length(n.hashes)) IS DISTINCT FROM n.hashes`;
