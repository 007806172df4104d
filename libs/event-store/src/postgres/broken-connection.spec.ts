import { Client } from 'pg';
import { eventLogDatabase, eventually, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { wireTo } from '../../../../test/support/eventlog-wire';
import type { AppendResult } from '../port';
import { PostgresEventLog } from './event-log';
import { batch } from '../testing/logs';

const LOG = 'default/0';
jest.setTimeout(120_000);

describe('an append whose connection breaks', () => {
  let database: EventLogDatabase;
  let eventlog: PostgresEventLog;
  beforeEach(async () => {
    database = await eventLogDatabase();
    eventlog = new PostgresEventLog(await database.as('delegation'));
    await eventlog.createLog(LOG);
    await eventlog.append(LOG, 0, batch(LOG, 0, 2));
  }, 120_000);
  afterEach(async () => {
    await eventlog.close();
    await database.drop();
  });

  const bodies = async () => (await eventlog.read(LOG, 0, 100_000)).map((event) => event.body);
  const bodiesOf = (from: number, count: number, who?: string) =>
    batch(LOG, from, count, who).map((event) => event.body);

  it('leaves nothing and reports `unknown` if it breaks before the commit, and the next append succeeds', async () => {
    const rival = new Client({ connectionString: database.url });
    await rival.connect();
    await rival.query('BEGIN');
    // the rival holds the batch's last position, uncommitted: the append has written the others and waits for it
    await rival.query(
      "INSERT INTO event (log, position, type, time, body, tenant, command_id) VALUES ($1, 4, 'RunOpened', now(), '{}', 'default', 'cmd_00000000')",
      [LOG],
    );
    const appended = eventlog.append(LOG, 2, batch(LOG, 2, 3));
    await eventually(async () => (await query(database.url, WAITING))[0]);
    await query(database.url, KILL);
    expect(await appended).toMatchObject({ ok: false, reason: 'unknown' });
    await rival.query('ROLLBACK');
    await rival.end();

    expect(await bodies()).toEqual(bodiesOf(0, 2));
    expect(await eventlog.append(LOG, 2, batch(LOG, 2, 3, 'again'))).toEqual({ ok: true, next: 5 });
    expect(await bodies()).toEqual([...bodiesOf(0, 2), ...bodiesOf(2, 3, 'again')]);
  });

  it('leaves the whole batch and reports `unknown` if it breaks after the commit, and a retry conflicts', async () => {
    const wire = await wireTo(await database.as('delegation'));
    const far = new PostgresEventLog(wire.url);
    expect(await far.head(LOG)).toBe(2);
    const broken = wire.breakAtNextAnswer();
    const appended = far.append(LOG, 2, batch(LOG, 2, 3));
    await broken;
    expect(await appended).toMatchObject({ ok: false, reason: 'unknown' });

    // the database may still be committing when the client has lost the connection
    await eventually(async () => ((await eventlog.head(LOG)) === 5 ? true : undefined));
    expect(await bodies()).toEqual(bodiesOf(0, 5));
    expect(await far.append(LOG, 2, batch(LOG, 2, 3, 'again'))).toMatchObject({ ok: false, reason: 'conflict' });
    expect(await far.append(LOG, 5, batch(LOG, 5, 1))).toEqual({ ok: true, next: 6 });
    await far.close();
    await wire.close();
  });

  it('leaves each batch wholly present or absent at any moment, and every acknowledged batch present', async () => {
    const size = 1_000;
    const killer = new Client({ connectionString: database.url });
    await killer.connect();
    const seen = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const head = await eventually(() => eventlog.head(LOG).catch(() => undefined));
      let over = false;
      const appended = eventlog.append(LOG, head, batch(LOG, head, size, `round${round}`));
      void appended.finally(() => (over = true));
      // in turn: at once, while the statement is running, after it has ended
      const reached = async () =>
        round % 3 === 0 || over || (round % 3 === 1 && (await killer.query(BUSY)).rows.length > 0) || undefined;
      await eventually(reached);
      await killer.query(KILL);
      const result: AppendResult = await appended;

      // the next query may get a connection that died while idle; a retry gets a new one
      const now = await eventually(() => eventlog.head(LOG).catch(() => undefined));
      seen.add(result.ok ? 'ok' : result.reason);
      expect([head, head + size]).toContain(now);
      if (result.ok) expect(now).toBe(result.next);
      if (now > head)
        expect((await eventlog.read(LOG, head, size)).map(({ body }) => body)).toEqual(
          bodiesOf(head, size, `round${round}`),
        );
    }
    await killer.end();
    expect([...seen].sort()).toEqual(['ok', 'unknown']);
  });
});

const OURS = "datname = current_database() AND application_name = 'bailiwick-eventlog'";
const KILL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OURS}`;
const BUSY = `SELECT pid FROM pg_stat_activity WHERE ${OURS} AND state = 'active' AND query LIKE '%INSERT INTO event%'`;
const WAITING = `${BUSY} AND wait_event_type = 'Lock'`;
