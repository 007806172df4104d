import { dump, restore } from '../../../../test/support/eventlog-copy';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { freshServer } from '../../../../test/support/eventlog-server';
import { migrateEventLog } from '../migrations/run';
import type { AppendEvent } from '../port';
import { PostgresEventLog } from './event-log';
import { batch } from '../testing/logs';
import { ODD_JSON } from '../testing/odd-json';

// no pg_dump: the embedded server does not include it, and an installed one may refuse a newer server
describe('an event log restored on a fresh server from a dump by COPY, table by table', () => {
  let source: EventLogDatabase;
  let server: Awaited<ReturnType<typeof freshServer>>;
  let before: PostgresEventLog;
  let after: PostgresEventLog;

  beforeAll(async () => {
    [source, server] = await Promise.all([eventLogDatabase(), freshServer()]);
    before = new PostgresEventLog(source.url);
    for (const log of LOGS) {
      await before.createLog(log);
      await before.append(log, 0, batch(log, 0, 1500).map(withAction));
      await before.append(log, 1500, oddEvents(log, 1500));
    }
    await before.createLog('empty/0');
    await before.saveSnapshot('a/0', 1500, 1, ['{"a":"\\\\ \t \n é"}']);
    await before.heartbeat('owner', 600_000);
    await before.acquireLease('a/0', 'owner');
    const target = await server.database('restored');
    await migrateEventLog(target);
    await restore(target, await dump(source.url));
    after = new PostgresEventLog(target);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([before.close(), after.close()]);
    await Promise.all([source.drop(), server.stop()]);
  });

  it('has the same logs, each with the same events at the same positions, byte for byte', async () => {
    expect(await after.listLogs()).toEqual(['a/0', 'a/1', 'b/0', 'empty/0']);
    for (const log of LOGS) {
      const events = await after.read(log, 0, 10_000);
      expect(events.map((event) => event.position)).toEqual(
        Array.from({ length: 1500 + ODD_JSON.length }, (_, i) => i),
      );
      expect(events).toEqual(await before.read(log, 0, 10_000));
    }
  });

  it('has the same bytes as were appended, not only as were read from the source', async () => {
    const events = await after.read('b/0', 1500, 100);
    expect(events.map(({ body, payload }) => [body, payload])).toEqual(ODD_JSON.map(([, text]) => [text, text]));
  });

  it('finds events by their bodies', async () => {
    const found = await after.search({ tenant: 'a', actionId: 'action3', limit: 10 });
    expect(found.map(({ log, position }) => [log, position])).toEqual([
      ['a/0', 3],
      ['a/1', 3],
    ]);
  });

  it('has its snapshots, its leases and its epochs', async () => {
    const snapshot = await after.latestSnapshot('a/0', 1);
    expect(snapshot?.position).toBe(1500);
    for await (const part of snapshot?.parts ?? []) expect(part).toBe('{"a":"\\\\ \t \n é"}');
    expect.assertions(4);
    await after.heartbeat('another', 600_000);
    expect(await after.acquireLease('a/0', 'another')).toBeUndefined();
    expect((await after.heartbeat('owner', 600_000)).held).toEqual(new Map([['a/0', { epoch: 1 }]]));
  });

  it('continues at its head, and still refuses a position that is taken', async () => {
    const next = 1500 + ODD_JSON.length;
    expect(await after.head('b/0')).toBe(next);
    expect(await after.append('b/0', next - 1, batch('b/0', next - 1, 1))).toMatchObject({ reason: 'conflict' });
    expect(await after.append('b/0', next, batch('b/0', next, 1))).toEqual({ ok: true, next: next + 1 });
  });
});

const LOGS = ['a/0', 'a/1', 'b/0'];

/** Events are found by their bodies: each of these names an action. */
const withAction = (event: AppendEvent, i: number): AppendEvent => {
  const actionId = `action${i}`;
  return { ...event, actionId, body: JSON.stringify({ ...(JSON.parse(event.body) as object), actionId }) };
};

const oddEvents = (log: string, from: number): AppendEvent[] =>
  batch(log, from, ODD_JSON.length).map((event, i) => {
    const text = ODD_JSON[i]?.[1] as string;
    return {
      ...event,
      body: text,
      payload: text,
      treeId: 'tree',
      runId: `run${i}`,
      grantId: `grant${i}`,
      actionId: `action${i}`,
    };
  });
