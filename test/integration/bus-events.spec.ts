import { connect, type NatsConnection } from 'nats';
import { toMessage, type Announcement } from '@bailiwick/messaging/commit-message';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { announceCommit, subjectSource } from '@bailiwick/messaging/commit-notifications';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { followLog, type Batch } from '@bailiwick/messaging/log-follower/follow-log';
import { TestNatsServer } from './bus-server';

const LOG = 'default/0';
const TIME = '2026-01-01T00:00:00.000Z';
const commit = (from: number, next: number, log = LOG): Announcement => ({ log, from, next, time: TIME });
const eventAt = (position: number): StoredEvent => ({
  log: LOG,
  position,
  type: 'RunOpened',
  time: TIME,
  body: `{"position": ${position},  "text":"ü"}`,
  payload: null,
});
const range = (end: number): number[] => Array.from({ length: end }, (_, index) => index);

describe('commit notifications on a real nats-server', () => {
  let server: TestNatsServer;
  let bus: Bus;
  let raw: NatsConnection;

  beforeEach(async () => {
    server = await TestNatsServer.start();
    bus = await connectBus({ url: server.url, name: 'owner', inboxPrefix: '_INBOX_owner' });
    raw = await connect({ servers: server.url, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  });
  afterEach(async () => {
    await bus.drain();
    await raw.close();
    await server.remove();
  });

  const announce = (each: Announcement) => announceCommit(bus, each);

  it('refuses announcements at once while the server is down', async () => {
    await server.kill();
    await until(() => bus.status().state === 'disconnected');
    expect(announce(commit(0, 2))).toEqual({ ok: false, error: 'not connected' });
  });

  it('refuses an invalid announcement with the reason', async () => {
    expect(announce(commit(3, 3))).toEqual({
      ok: false,
      error: 'not the positions of a commit: 3 to 3',
    });
  });

  describe('followed', () => {
    let log: StoredEvent[];
    let handled: StoredEvent[];
    /** Appends events to the log without announcing them. */
    const append = (count: number): Announcement => {
      const from = log.length;
      for (let n = 0; n < count; n += 1) log.push(eventAt(from + n));
      return commit(from, log.length);
    };
    const options = (pollMs: number) => ({
      log: LOG,
      source: subjectSource(bus),
      read: async (_log: string, from: number, limit: number) => {
        return log.slice(from, from + limit);
      },
      start: async () => handled.length,
      handle: async (batch: Batch) => {
        expect(batch.from).toBe(handled.length);
        handled.push(...batch.events);
      },
      pollMs,
    });
    beforeEach(() => {
      log = [];
      handled = [];
    });
    const positions = () => handled.map(({ position }) => position);

    it('delivers announced events as stored in the log', async () => {
      append(10);
      const follower = followLog(options(60_000));
      await until(() => handled.length === 10);
      for (let round = 0; round < 20; round += 1) {
        announce(append(50));
        await until(() => handled.length === log.length); // by the announcement alone: the next poll is far off
      }
      await follower.stop();
      expect(handled).toEqual(log);
    });

    it('ignores other logs, and messages whose log differs from their subject', async () => {
      const heads: number[] = [];
      let gaps = 0;
      const sink = { head: (next: number) => heads.push(next), gap: () => (gaps += 1) };
      const source = subjectSource(bus).subscribe(LOG, sink);
      await until(() => gaps > 0);
      await bus.ping(5_000);
      announce(commit(0, 50, 'other/0'));
      announce(commit(0, 60, 'default/1'));
      const { headers, payload } = toMessage(commit(0, 70, 'other/0'));
      raw.publish('bailiwick.event.default.0', payload, { headers });
      await raw.flush();
      announce(commit(0, 7));
      await until(() => heads.length > 0);
      expect(heads).toEqual([7]);
      await source.stop();
    });

    it('loses nothing if most announcements are late or missing', async () => {
      const follower = followLog(options(20));
      const news = range(20).map(() => append(30));
      for (const [round, each] of news.reverse().entries()) if (round % 3 === 2) announce(each);
      append(5); // its owner is killed before the announcement
      await until(() => handled.length === 605);
      await follower.stop();
      expect(positions()).toEqual(range(605));
    });

    it('continues after the server restarts with an empty store, first by polling, then by announcements', async () => {
      const follower = followLog(options(60_000));
      announce(append(20));
      await until(() => handled.length === 20);

      await server.kill();
      await server.emptyStore();
      await until(() => bus.status().state === 'disconnected');
      announce(append(30)); // committed, but not announced
      await server.up();
      await until(() => handled.length === 50);

      for (let round = 0; handled.length < 100 || round < 10; round += 1) {
        if (round < 10) announce(append(5));
        await pause();
      }
      await follower.stop();
      expect(positions()).toEqual(range(100));
    });
  });
});

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause();
}
