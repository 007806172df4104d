import { eventLogDatabase, type EventLogDatabase } from '../../test/support/eventlog-database';
import { eventLogContract } from './eventlog.contract';
import { Client } from 'pg';
import { until } from '../../test/support/stack';
import { PostgresEventLog } from './postgres';

let database: EventLogDatabase;
beforeAll(async () => {
  database = await eventLogDatabase();
}, 120_000);
afterAll(() => database.drop());

describe('a reading of a log', () => {
  it('costs what it reads, and not what comes after that: also where the database knows nothing of the table yet', async () => {
    const url = await database.as('delegation');
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    try {
      await admin.query('ALTER TABLE event SET (autovacuum_enabled = false)');
      await admin.query(`INSERT INTO log (name, tenant) VALUES ('long/0', 'long')`);
      await admin.query(`INSERT INTO event (log, position, type, time, body, tenant, command_id)
        SELECT 'long/0', n, 'Made', now(), '{}', 'long', 'cmd_1' FROM generate_series(0, 49999) AS n`);
      // a connection tells what it has read when it is closed at the latest
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
      await until('what was read to be told', async () => (await fetched()) > before);
      expect((await fetched()) - before).toBe(50);
    } finally {
      await admin.query('ALTER TABLE event RESET (autovacuum_enabled)');
      await admin.end();
    }
  });
});

eventLogContract('in PostgreSQL, with the rights of the delegation service', async () => {
  const url = await database.as('delegation');
  return [new PostgresEventLog(url), new PostgresEventLog(url), new PostgresEventLog(url)];
});
