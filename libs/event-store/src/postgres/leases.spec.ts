import { Client } from 'pg';
import { eventLogDatabase, eventually, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { PostgresEventLog } from './event-log';
import { batch } from '../testing/logs';

const LOG = 'default/0';
const LONG = 600_000;

/** Tests concurrent statements, one of them controlled by hand. */
describe('leases in PostgreSQL under concurrency', () => {
  let database: EventLogDatabase;
  let a: PostgresEventLog;
  let b: PostgresEventLog;
  let hand: Client;
  let epoch: number;
  beforeAll(async () => {
    database = await eventLogDatabase();
    a = new PostgresEventLog(database.url);
    b = new PostgresEventLog(database.url);
    hand = new Client({ connectionString: database.url });
    await hand.connect();
    await a.createLog(LOG);
  }, 120_000);
  afterAll(async () => {
    await hand.end();
    await Promise.all([a.close(), b.close()]);
    await database.drop();
  });

  beforeEach(async () => {
    for (const name of ['a', 'b']) await a.leave(name);
    await a.heartbeat('a', LONG);
    epoch = (await a.acquireLease(LOG, 'a'))?.epoch as number;
    await a.heartbeat('a', 0);
    await b.heartbeat('b', LONG);
    await hand.query('BEGIN');
  });
  afterEach(() => hand.query('ROLLBACK'));

  /** Waits until one of the adapter's statements waits for a lock. */
  const waits = (what: string) =>
    eventually(async () => {
      const rows = await query(
        database.url,
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE $1",
        [`%${what}%`],
      );
      return rows.length > 0 ? true : undefined;
    });

  it('keeps a log whose owner’s heartbeat commits just before another owner takes it', async () => {
    await hand.query("UPDATE log_owner SET until = now() + interval '1 hour' WHERE name = 'a'");
    const taken = b.acquireLease(LOG, 'b');
    await waits('UPDATE log SET');
    await hand.query('COMMIT');
    expect(await taken).toBeUndefined();
    expect((await a.heartbeat('a', LONG)).held).toEqual(new Map([[LOG, { epoch }]]));
  });

  it('reports a lost log to a heartbeat just after another owner took it', async () => {
    // performs the steps of taking it, up to just before the commit
    await hand.query("SELECT FROM log_owner WHERE name = 'a' FOR SHARE");
    await hand.query("UPDATE log SET lease_owner = 'b', lease_epoch = lease_epoch + 1 WHERE name = $1", [LOG]);
    const roster = a.heartbeat('a', LONG);
    await waits('INSERT INTO log_owner');
    await hand.query('COMMIT');
    expect((await roster).held.size).toBe(0);
  });

  it('passes a log to another owner only after an append in progress, which the new owner then reads', async () => {
    const head = await a.head(LOG);
    // another writer's uncommitted event at this position: the append waits for its outcome
    await hand.query(
      'INSERT INTO event (log, position, type, time, body, tenant, command_id) VALUES ($1, $2, $3, now(), $4, $5, $6)',
      [LOG, head, 'RunOpened', '{}', 'default', 'cmd_00000000'],
    );
    const appended = a.append(LOG, head, batch(LOG, head, 1), { owner: 'a', epoch });
    await waits('INSERT INTO event');
    const taken = b.acquireLease(LOG, 'b');
    await waits('UPDATE log SET');
    await hand.query('ROLLBACK');
    expect(await taken).toEqual({ epoch: epoch + 1 });
    expect(await b.head(LOG)).toBe(head + 1);
    expect(await appended).toEqual({ ok: true, next: head + 1 });
  });
});
