import { Client } from 'pg';
import {
  eventLogDatabase,
  query,
  type EventLogDatabase,
  type Service,
} from '../../../../test/support/eventlog-database';
import { batch } from '../testing/logs';
import type { AppendEvent } from '../port';
import { PostgresEventLog } from './event-log';

const DENIED = '42501';
const RAISED = 'P0001';
const DONE = 'done';

const SERVICES: Service[] = ['delegation', 'ledger', 'intent', 'gateway'];

// an existing position: the test is about the right, not the key
const INSERT_EVENT =
  "INSERT INTO event (log, position, type, time, body, tenant, command_id) VALUES ('default/0', 1, 'RunOpened', now(), '{}', 'default', 'cmd_00000000')";

const TAMPERING = [
  "UPDATE event SET body = '{}'",
  'UPDATE event SET payload = NULL',
  'DELETE FROM event',
  'TRUNCATE event',
  `${INSERT_EVENT} ON CONFLICT (log, position) DO UPDATE SET body = excluded.body`,
  'ALTER TABLE event DISABLE TRIGGER ALL',
  'SET LOCAL session_replication_role = replica',
  'DROP TRIGGER event_final ON event',
  'ALTER TABLE event OWNER TO CURRENT_USER',
  'DROP TABLE event',
  'CREATE OR REPLACE FUNCTION event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
  'CREATE RULE hidden AS ON INSERT TO event DO INSTEAD NOTHING',
  'SET LOCAL ROLE postgres',
];

const WRITING = [
  INSERT_EVENT,
  "INSERT INTO log (name, tenant) VALUES ('other/0', 'other')",
  "UPDATE log SET lease_owner = 'me'",
  "INSERT INTO log_owner (name, until, takes) VALUES ('me', now(), true)",
  'DELETE FROM log_owner',
  "INSERT INTO snapshot (log, position, fold_version) VALUES ('default/0', 9, 1)",
  'DELETE FROM snapshot',
  "INSERT INTO snapshot_part (log, position, fold_version, part, state) VALUES ('default/0', 2, 1, 1, '{}')",
];

/** Reaches payloads before position 2. */
const ERASURE: AppendEvent = {
  position: 3,
  type: 'PayloadsErased',
  time: '2026-01-02T00:00:00Z',
  body: '{"data":{"before":2}}',
  payload: '{"words":"why"}',
  tenant: 'erased',
  commandId: 'cmd_00000003',
};
const ERASE = "SELECT erase_payloads('erased/0', 3, '{0,1,2,3}')";

/** Lists every right of a service's role on any of the schema's relations, or on a single column of one. */
const HELD = `
WITH rights (nth, name) AS (SELECT * FROM unnest(ARRAY[1,2,3,4,5,6,7], ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER'])),
  services (service) AS (VALUES ('delegation'), ('ledger'), ('intent'), ('gateway')),
  relations AS (SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT service, relname AS relation, string_agg(name, ' ' ORDER BY nth) AS rights
FROM services, relations, rights
WHERE has_table_privilege('bailiwick_' || service, oid, name) AND relname !~ '_seq$'
GROUP BY service, relname
UNION ALL
SELECT service, relname || '.' || attname, string_agg(name, ' ' ORDER BY nth)
FROM services, relations JOIN pg_attribute ON attrelid = oid AND attnum > 0, rights
WHERE name IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
  AND has_column_privilege('bailiwick_' || service, oid, attnum, name) AND NOT has_table_privilege('bailiwick_' || service, oid, name)
GROUP BY service, relname, attname`;

describe('rights in the event log’s database', () => {
  let database: EventLogDatabase;
  const clients = new Map<string, Client>();

  beforeAll(async () => {
    database = await eventLogDatabase();
    const eventlog = new PostgresEventLog(database.url);
    await eventlog.createLog('default/0');
    await eventlog.append('default/0', 0, batch('default/0', 0, 2));
    await eventlog.createLog('erased/0');
    await eventlog.append('erased/0', 0, [
      ...batch('erased/0', 0, 3).map((event) => ({ ...event, payload: `{"words":"of ${event.position}"}` })),
      { ...ERASURE, position: 3 },
    ]);
    await eventlog.saveSnapshot('default/0', 2, 1, ['{}']);
    await eventlog.close();
    for (const service of SERVICES) await connect(service, await database.as(service));
    await connect('owner', database.url);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([...clients.values()].map((client) => client.end()));
    await database.drop();
  });

  async function connect(who: string, url: string): Promise<void> {
    const client = new Client({ connectionString: url });
    await client.connect();
    clients.set(who, client);
  }

  /** Returns the result of a statement, which is always rolled back. */
  async function outcome(who: string, sql: string): Promise<string> {
    const client = clients.get(who) as Client;
    await client.query('BEGIN');
    try {
      await client.query(sql);
      return DONE;
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await client.query('ROLLBACK');
    }
  }

  it('consist of exactly these for each role on each relation', async () => {
    const rows = await query<{ service: Service; relation: string; rights: string }>(database.url, HELD);
    const held = Object.fromEntries(rows.map(({ service, relation, rights }) => [`${service} ${relation}`, rights]));
    expect(held).toEqual({
      'delegation access_key': 'SELECT INSERT DELETE',
      'delegation browser_session': 'SELECT INSERT DELETE',
      'delegation browser_session.used_at': 'UPDATE',
      'delegation session_link': 'SELECT INSERT DELETE',
      'delegation access_key.jwks': 'UPDATE',
      'delegation access_key.last_used_at': 'UPDATE',
      'delegation access_key.person': 'UPDATE',
      'delegation access_key.revoked_at': 'UPDATE',
      'delegation access_key.rotated_at': 'UPDATE',
      'delegation access_key.version': 'UPDATE',
      'delegation access_key_secret': 'SELECT INSERT DELETE',
      'delegation access_key_secret.until': 'UPDATE',
      'delegation access_key_version': 'SELECT UPDATE',
      'delegation mcp_pin': 'SELECT INSERT UPDATE DELETE',
      'delegation mcp_server': 'SELECT INSERT UPDATE DELETE',
      'delegation erasure_done': 'SELECT INSERT',
      'delegation event': 'SELECT INSERT',
      'delegation import_begun': 'SELECT INSERT UPDATE',
      'delegation import_event': 'SELECT INSERT DELETE',
      'delegation key_record': 'SELECT INSERT DELETE',
      'delegation log': 'SELECT INSERT',
      'delegation log.lease_epoch': 'UPDATE',
      'delegation log.lease_owner': 'UPDATE',
      'delegation log_owner': 'SELECT INSERT UPDATE DELETE',
      'delegation person_name': 'SELECT INSERT',
      'delegation person_name.erased_at': 'UPDATE',
      'delegation person_name.name': 'UPDATE',
      'delegation ssf_stream': 'SELECT INSERT UPDATE DELETE',
      'delegation webhook': 'SELECT INSERT UPDATE DELETE',
      'delegation webhook_callback': 'SELECT INSERT DELETE',
      'delegation webhook_callback.events': 'UPDATE',
      'delegation webhook_callback.state': 'UPDATE',
      'delegation webhook_callback.status_endpoint': 'UPDATE',
      'delegation webhook_cursor': 'SELECT INSERT',
      'delegation webhook_cursor.attempts': 'UPDATE',
      'delegation webhook_cursor.error': 'UPDATE',
      'delegation webhook_cursor.failing_since': 'UPDATE',
      'delegation webhook_cursor.next_at': 'UPDATE',
      'delegation webhook_dead': 'SELECT',
      'delegation snapshot': 'SELECT INSERT DELETE',
      'delegation snapshot_part': 'SELECT INSERT',
      'intent event': 'SELECT',
      'intent log': 'SELECT',
      'ledger event': 'SELECT',
      'ledger log': 'SELECT',
      'ledger person_name': 'SELECT',
      'ledger snapshot': 'SELECT',
      'ledger snapshot_part': 'SELECT',
      'ledger webhook': 'SELECT',
      'ledger webhook.disabled_at': 'UPDATE',
      'ledger webhook.disabled_for': 'UPDATE',
      'ledger webhook.version': 'UPDATE',
      'ledger webhook_callback': 'SELECT',
      'ledger webhook_callback.ended_as': 'UPDATE',
      'ledger webhook_callback.ended_log': 'UPDATE',
      'ledger webhook_callback.position': 'UPDATE',
      'ledger webhook_cursor': 'SELECT INSERT UPDATE',
      'ledger webhook_dead': 'SELECT INSERT DELETE',
    });
  });

  it('let only ledger and intent create tables, each in its schema', async () => {
    const may = async (service: Service, schema: string) => [
      service,
      schema,
      await outcome(service, `CREATE TABLE ${schema}.mine (x int)`),
    ];
    const tries = SERVICES.flatMap((service) =>
      ['public', 'ledger', 'intent'].map((schema) => [service, schema] as const),
    );
    const tried = [];
    for (const [service, schema] of tries) tried.push(await may(service, schema));
    expect(tried.filter(([, , result]) => result === DONE)).toEqual([
      ['ledger', 'ledger', DONE],
      ['intent', 'intent', DONE],
    ]);
    expect(tried.filter(([, , result]) => result === DENIED)).toHaveLength(10);
  });

  // each may therefore read the log for the other, in one process (`SharedReading`)
  it.each(['ledger', 'intent'])('let %s follow the log', async (service) => {
    expect(await outcome(service, 'SELECT log, position, type, time, body, payload FROM event')).toBe(DONE);
    expect(await outcome(service, 'SELECT name FROM log')).toBe(DONE);
  });

  it.each(SERVICES)('never let %s change, remove or hide an event', async (service) => {
    const tried: Record<string, string> = {};
    for (const sql of TAMPERING) tried[sql] = await outcome(service, sql);
    expect(tried).toEqual(Object.fromEntries(TAMPERING.map((sql) => [sql, DENIED])));
  });

  it.each(['ledger', 'intent', 'gateway'])(
    'never let %s write an event, a log, a lease or a snapshot',
    async (service) => {
      for (const sql of WRITING) expect([sql, await outcome(service, sql)]).toEqual([sql, DENIED]);
    },
  );

  it.each(['event', 'log', 'log_owner', 'snapshot', 'snapshot_part', 'eventlog_migration'])(
    'never let the gateway read %s',
    async (table) => {
      expect(await outcome('gateway', `SELECT FROM ${table}`)).toBe(DENIED);
    },
  );

  it('let the ledger start from a snapshot, and not the monitor', async () => {
    const tried = await Promise.all(
      (['ledger', 'intent'] as const).map((service) => outcome(service, 'SELECT state FROM snapshot_part')),
    );
    expect(tried).toEqual([DONE, DENIED]);
  });

  it('let only delegation erase, and only through the function that checks the recorded erasure', async () => {
    const tried = await Promise.all(SERVICES.map(async (service) => [service, await outcome(service, ERASE)]));
    expect(Object.fromEntries(tried)).toEqual({ delegation: DONE, ledger: DENIED, intent: DENIED, gateway: DENIED });
    expect(await outcome('delegation', 'SET LOCAL ROLE bailiwick_eraser')).toBe(DENIED);
    for (const unrecorded of ["'erased/0', 0", "'erased/0', 9", "'default/0', 3"])
      expect(await outcome('delegation', `SELECT erase_payloads(${unrecorded}, '{0,1}')`)).toBe(RAISED);
  });

  it('let an erasure reach payloads before its mark, and nothing else of an event', async () => {
    const client = clients.get('delegation') as Client;
    const rows = async () =>
      (
        await client.query(
          "SELECT *, body::text, payload::text, xmin FROM event WHERE log = 'erased/0' ORDER BY position",
        )
      ).rows as Record<string, unknown>[];
    await client.query('BEGIN');
    const before = await rows();
    expect((await client.query(ERASE)).rows).toEqual([{ erase_payloads: 2 }]);
    const after = await rows();
    expect((await client.query(ERASE)).rows).toEqual([{ erase_payloads: 0 }]); // erased payloads are skipped
    await client.query('ROLLBACK');
    const gone = before.map((row, i) => (i < 2 ? { ...row, payload: null, xmin: after[i]?.xmin } : row));
    expect(after).toEqual(gone);
  });

  it.each([
    ['put back', "UPDATE event SET payload = '{}' WHERE log = 'default/0'"],
    ['changed', "UPDATE event SET payload = '{}' WHERE log = 'erased/0'"],
    ['erased with another change', "UPDATE event SET payload = NULL, command_id = 'x' WHERE log = 'erased/0'"],
    ['moved', "UPDATE event SET payload = NULL, position = position + 10 WHERE log = 'erased/0'"],
    ['respelled', `UPDATE event SET payload = NULL, body = (body::text || ' ')::json WHERE log = 'erased/0'`],
  ])('let only the eraser remove a payload, and do nothing else: a payload %s is refused', async (_what, sql) => {
    expect(await outcome('owner', sql)).toBe(RAISED);
    expect(await outcome('owner', `SET LOCAL ROLE bailiwick_eraser; ${sql}`)).not.toBe(DONE);
    // the trigger refuses it, even if the role has every right
    expect(
      await outcome('owner', `GRANT ALL ON event TO bailiwick_eraser; SET LOCAL ROLE bailiwick_eraser; ${sql}`),
    ).toBe(RAISED);
  });

  it('never let delegation move a log to another tenant or name (I9)', async () => {
    expect(await outcome('delegation', "UPDATE log SET tenant = 'other'")).toBe(DENIED);
    expect(await outcome('delegation', "UPDATE log SET name = 'other/0'")).toBe(DENIED);
    expect(await outcome('delegation', "DELETE FROM log WHERE name = 'default/0'")).toBe(DENIED);
  });

  it('never let an event or a log name another tenant than its log does (I9)', async () => {
    const CHECK = '23514';
    const foreign = INSERT_EVENT.replace("'default/0', 1,", "'default/0', 2,").replace(
      "'{}', 'default',",
      "'{}', 'other',",
    );
    expect(await outcome('delegation', foreign)).toBe(CHECK);
    expect(await outcome('delegation', "INSERT INTO log (name, tenant) VALUES ('other/0', 'default')")).toBe(CHECK);
  });

  describe('of the owner of the tables', () => {
    it.each([
      ['erasing one', "UPDATE event SET payload = NULL WHERE log = 'erased/0'"],
      ['changing one', "UPDATE event SET body = '{}' WHERE position = 0"],
      ['moving one', 'UPDATE event SET position = 9 WHERE position = 1'],
      ['removing one', 'DELETE FROM event WHERE position = 1'],
      ['writing over one', `${INSERT_EVENT} ON CONFLICT (log, position) DO UPDATE SET body = excluded.body`],
      ['emptying the table', 'TRUNCATE event'],
      ['removing a log under them', 'DELETE FROM log'],
      ['emptying the table of logs', 'TRUNCATE log CASCADE'],
    ])('do not reach to events: %s is refused', async (_what, sql) => {
      expect(await outcome('owner', sql)).toBe(RAISED);
    });

    it('do reach to data that can be refolded: a snapshot can be removed', async () => {
      expect(await outcome('owner', 'DELETE FROM snapshot')).toBe(DONE);
    });
  });
});
