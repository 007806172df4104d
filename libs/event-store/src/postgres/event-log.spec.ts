import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { eventLogContract } from '../eventlog.contract';
import { Client } from 'pg';
import { until } from '../../../../test/support/stack';
import { Bodies } from './bodies';
import { PostgresEventLog } from './event-log';

let database: EventLogDatabase;
beforeAll(async () => {
  database = await eventLogDatabase();
}, 120_000);
afterAll(() => database.drop());

describe('PostgresEventLog.read', () => {
  it('reads only the requested rows, even before the database has statistics of the table', async () => {
    const url = await database.as('delegation');
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    try {
      await admin.query('ALTER TABLE event SET (autovacuum_enabled = false)');
      await admin.query(`INSERT INTO log (name, tenant) VALUES ('long/0', 'long')`);
      await admin.query(`INSERT INTO event (log, position, type, time, body, tenant, command_id)
        SELECT 'long/0', n, 'Made', now(), '{}', 'long', 'cmd_1' FROM generate_series(0, 49999) AS n`);
      // a connection reports its statistics when it is closed at the latest
      const fetched = async (): Promise<number> => {
        const { rows } = await admin.query<{ count: string }>(
          `SELECT idx_tup_fetch + seq_tup_read AS count FROM pg_stat_user_tables WHERE relname = 'event'`,
        );
        return Number(rows[0]?.count);
      };
      const before = await fetched();
      const fresh = new PostgresEventLog(url, { max: 1 });
      expect((await fresh.read('long/0', 100, 50)).map(({ position }) => position)).toEqual(
        Array.from({ length: 50 }, (_, i) => 100 + i),
      );
      await fresh.close();
      await until('statistics to be reported', async () => (await fetched()) > before);
      expect((await fetched()) - before).toBeLessThan(60);
    } finally {
      await admin.query('ALTER TABLE event RESET (autovacuum_enabled)');
      await admin.end();
    }
  });
});

describe('a log with a hole, which no owner creates', () => {
  it('is read past the hole, so that a fold detects it and does not take it for the end (I11)', async () => {
    const url = await database.as('delegation');
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    for (const [log, last, from, to] of [
      ['torn/0', 29, 8, 19],
      ['torn/1', 12_000, 4_990, 10_000],
    ]) {
      await admin.query(`INSERT INTO log (name, tenant) VALUES ($1, 'torn')`, [log]);
      await admin.query(
        `INSERT INTO event (log, position, type, time, body, tenant, command_id)
        SELECT $1, n, 'Made', now(), '{}', 'torn', 'cmd_1' FROM generate_series(0, $2::int) AS n WHERE n NOT BETWEEN $3 AND $4`,
        [log, last, from, to],
      );
    }
    await admin.end();
    const eventlog = new PostgresEventLog(url, { max: 1 });
    const bodies = new Bodies(url);
    const positions = async (from: number, limit: number): Promise<number[]> =>
      (await eventlog.read('torn/0', from, limit)).map(({ position }) => position);
    try {
      expect(await positions(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(await positions(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 20, 21]);
      expect(await positions(8, 5)).toEqual([20, 21, 22, 23, 24]);
      expect(await positions(25, 10)).toEqual([25, 26, 27, 28, 29]);
      expect(await positions(30, 10)).toEqual([]);
      let read = 0;
      for await (const page of bodies.pages({ log: 'torn/1', to: 12_000 })) read += page.length;
      expect(read).toBe(4_990 + 2_000);
    } finally {
      await Promise.all([eventlog.close(), bodies.close()]);
    }
  });
});

eventLogContract('in PostgreSQL, with the rights of the delegation service', async () => {
  const url = await database.as('delegation');
  return [new PostgresEventLog(url), new PostgresEventLog(url), new PostgresEventLog(url)];
});
