import { Client } from 'pg';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { until } from '../../../../test/support/stack';
import type { AppendEvent } from '../port';
import { PostgresEventLog } from './event-log';
import { PostgresPayloads } from './payloads';

const [ANN, BEN] = ['ref_0000000000000000000000000a', 'ref_0000000000000000000000000b'];

describe('PostgresPayloads.openedFor', () => {
  let database: EventLogDatabase;
  let url: string;
  beforeAll(async () => {
    database = await eventLogDatabase();
    url = await database.as('delegation');
  }, 120_000);
  afterAll(() => database.drop());

  async function openedFor(log: string, subjectRef: string, before: number): Promise<unknown> {
    const payloads = new PostgresPayloads(url);
    try {
      return await payloads.openedFor(log, subjectRef, before);
    } finally {
      await payloads.close(); // a connection reports its statistics when it is closed at the latest
    }
  }

  const event = (log: string, position: number, treeId: string, data: object, type = 'RunOpened'): AppendEvent => ({
    position,
    type,
    time: '2026-01-01T00:00:00Z',
    body: JSON.stringify({ log, position, type, treeId, data }),
    tenant: log.split('/')[0] as string,
    treeId,
    commandId: 'cmd_00000000',
  });

  it('counts the runs of a person in one log before a position, and lists each of their trees once', async () => {
    const eventlog = new PostgresEventLog(url);
    for (const log of ['one/0', 'two/0']) await eventlog.createLog(log);
    const [ofAnn, ofBen] = [{ principalRef: ANN }, { principalRef: BEN }];
    await eventlog.append('one/0', 0, [
      event('one/0', 0, 'T', ofAnn),
      event('one/0', 1, 'T', ofAnn),
      event('one/0', 2, 'U', ofBen),
      event('one/0', 3, 'V', ofAnn, 'GrantIssued'),
      event('one/0', 4, 'W', ofAnn),
    ]);
    await eventlog.append('two/0', 0, [event('two/0', 0, 'X', ofAnn)]);
    await eventlog.close();
    expect(await openedFor('one/0', ANN, 9)).toEqual({ runs: 3, trees: ['T', 'W'] });
    expect(await openedFor('one/0', ANN, 4)).toEqual({ runs: 2, trees: ['T'] });
    expect(await openedFor('one/0', ANN, 0)).toEqual({ runs: 0, trees: [] });
    expect(await openedFor('one/0', BEN, 9)).toEqual({ runs: 1, trees: ['U'] });
    expect(await openedFor('two/0', ANN, 9)).toEqual({ runs: 1, trees: ['X'] });
    expect(await openedFor('two/0', BEN, 9)).toEqual({ runs: 0, trees: [] });
  });

  it('reads only the rows of the person', async () => {
    const admin = new Client({ connectionString: database.url });
    await admin.connect();
    const fetched = async (): Promise<number> => {
      const { rows } = await admin.query<{ count: string }>(
        `SELECT idx_tup_fetch + seq_tup_read AS count FROM pg_stat_user_tables WHERE relname = 'event'`,
      );
      return Number(rows[0]?.count);
    };
    try {
      await admin.query(`INSERT INTO log (name, tenant) VALUES ('long/0', 'long')`);
      await admin.query(
        `INSERT INTO event (log, position, type, time, body, tenant, tree_id, command_id)
        SELECT 'long/0', n, 'RunOpened', now(), json_build_object('data', json_build_object('principalRef',
          CASE WHEN n % 1000 = 0 THEN $1 ELSE 'ref_' || n END)), 'long', 'tree' || n, 'cmd_1' FROM generate_series(0, 49999) AS n`,
        [ANN],
      );
      const before = await fetched();
      expect(await openedFor('long/0', ANN, 40_000)).toMatchObject({ runs: 40 });
      await until('statistics to be reported', async () => (await fetched()) > before);
      expect((await fetched()) - before).toBeLessThan(60);
    } finally {
      await admin.end();
    }
  });
});
