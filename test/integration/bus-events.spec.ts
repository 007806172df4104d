import { connect, StorageType, type NatsConnection } from 'nats';
import { toMessage, type Announcement } from '@bailiwick/messaging/cloudevent';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { jetStreamSource, subjectSource } from '@bailiwick/messaging/event-source';
import { EVENT_STREAM, eventPublisher, type EventPublisher } from '@bailiwick/messaging/events';
import { followLog, type Batch, type FollowedEvent } from '@bailiwick/messaging/log-follower/follow-log';
import { BUS_LIMITS } from '@bailiwick/messaging/limits';
import { TestNatsServer } from './bus-server';

const LOG = 'default/0';
const TIME = '2026-01-01T00:00:00.000Z';
const commit = (from: number, next: number, log = LOG): Announcement => ({ log, from, next, time: TIME });
const NEW = { ok: true, value: { duplicate: false } };
const KNOWN = { ok: true, value: { duplicate: true } };
const eventAt = (position: number): FollowedEvent => ({
  log: LOG,
  position,
  type: 'RunOpened',
  time: TIME,
  body: `{"position": ${position},  "text":"ü"}`,
  payload: null,
});
const range = (end: number): number[] => Array.from({ length: end }, (_, index) => index);

describe('the event stream on a real nats-server', () => {
  let server: TestNatsServer;
  let bus: Bus;
  let raw: NatsConnection;
  let publisher: EventPublisher;

  beforeEach(async () => {
    server = await TestNatsServer.start();
    bus = await connectBus({ url: server.url, name: 'owner', inboxPrefix: '_INBOX_owner' });
    raw = await connect({ servers: server.url, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
    publisher = eventPublisher(bus);
    await publisher.ensureStream();
  });
  afterEach(async () => {
    await bus.drain();
    await raw.close();
    await server.remove();
  });

  const stream = async () => (await raw.jetstreamManager()).streams.info(EVENT_STREAM);

  it('is created with its limits, also by several processes at once', async () => {
    await Promise.all([publisher.ensureStream(), eventPublisher(bus).ensureStream(), publisher.ensureStream()]);
    expect((await stream()).config).toMatchObject({
      name: 'BAILIWICK_EVENTS',
      subjects: ['bailiwick.event.*.*'],
      storage: 'memory',
      retention: 'limits',
      discard: 'old',
      duplicate_window: 120e9,
      max_age: BUS_LIMITS.streamAgeMs * 1e6,
      max_bytes: BUS_LIMITS.streamBytes,
    });
  });

  it('is updated to the current limits if it was created with others', async () => {
    const manager = await raw.jetstreamManager();
    await manager.streams.update(EVENT_STREAM, { max_bytes: 1_000_000 });
    await publisher.ensureStream();
    expect((await stream()).config.max_bytes).toBe(BUS_LIMITS.streamBytes);
  });

  it('is recreated in memory if an earlier build stored it on disk', async () => {
    const manager = await raw.jetstreamManager();
    await manager.streams.delete(EVENT_STREAM);
    await manager.streams.add({ name: EVENT_STREAM, subjects: ['bailiwick.event.*.*'], storage: StorageType.File });
    await Promise.all([publisher.ensureStream(), eventPublisher(bus).ensureStream()]);
    expect((await stream()).config.storage).toBe('memory');
    expect(await publisher.announce(commit(0, 1))).toEqual(NEW);
  });

  it('keeps one message for each commit, however often it is announced', async () => {
    expect(await publisher.announce(commit(0, 3))).toEqual(NEW);
    expect(await publisher.announce(commit(3, 4_099))).toEqual(NEW);
    expect(await publisher.announce(commit(0, 3))).toEqual(KNOWN);
    expect(await publisher.announce(commit(0, 3, 'other/0'))).toEqual(NEW);
    expect((await stream()).state.messages).toBe(3);
    const manager = await raw.jetstreamManager();
    const stored = await manager.streams.getMessage(EVENT_STREAM, { seq: 2 });
    expect(stored.subject).toBe('bailiwick.event.default.0');
    expect(stored.header.get('Nats-Msg-Id')).toBe('default/0:3-4098');
    expect(stored.header.get('ce-subject')).toBe('3-4098');
    expect(JSON.parse(new TextDecoder().decode(stored.data))).toEqual({ from: 3, next: 4_099 });
  });

  it('is recreated by the publisher if it was deleted', async () => {
    await (await raw.jetstreamManager()).streams.delete(EVENT_STREAM);
    expect(await publisher.announce(commit(0, 1))).toEqual(NEW);
  });

  it('refuses announcements at once while the server is down', async () => {
    await server.kill();
    await until(() => bus.status().state === 'disconnected');
    expect(await publisher.announce(commit(0, 2))).toEqual({ ok: false, error: 'not connected' });
  });

  it('limits the announcements in flight and refuses the others', async () => {
    const most = BUS_LIMITS.announceInFlight;
    const results = await Promise.all(range(most + 500).map((n) => publisher.announce(commit(n, n + 1))));
    expect(results.slice(0, most).every(({ ok }) => ok)).toBe(true);
    expect(new Set(results.slice(most).map((each) => !each.ok && each.error))).toEqual(
      new Set(['too many wait for the stream']),
    );
    expect(await publisher.announce(commit(most, most + 1))).toEqual(NEW);
  });

  it('refuses an invalid announcement with the reason', async () => {
    expect(await publisher.announce(commit(3, 3))).toEqual({
      ok: false,
      error: 'not the positions of a commit: 3 to 3',
    });
  });

  describe('followed', () => {
    let log: FollowedEvent[];
    let handled: FollowedEvent[];
    let reads: number;
    /** Appends events to the log without announcing them. */
    const append = (count: number): Announcement => {
      const from = log.length;
      for (let n = 0; n < count; n += 1) log.push(eventAt(from + n));
      return commit(from, log.length);
    };
    const options = (pollMs: number) => ({
      log: LOG,
      source: jetStreamSource(bus),
      read: async (_log: string, from: number, limit: number) => {
        reads += 1;
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
      reads = 0;
    });
    const positions = () => handled.map(({ position }) => position);

    it('delivers announced events as stored in the log', async () => {
      append(10);
      const follower = followLog(options(60_000));
      await until(() => handled.length === 10);
      for (let round = 0; round < 20; round += 1) {
        await publisher.announce(append(50));
        await until(() => handled.length === log.length); // by the announcement alone: the next poll is far off
      }
      await follower.stop();
      expect(handled).toEqual(log);
    });

    it('ignores other logs, and messages whose log differs from their subject', async () => {
      const heads: number[] = [];
      let gaps = 0;
      const sink = { head: (next: number) => heads.push(next), gap: () => (gaps += 1) };
      const sources = [jetStreamSource(bus), subjectSource(bus)].map((source) => source.subscribe(LOG, sink));
      await until(() => gaps > 0);
      await bus.ping(5_000);
      await publisher.announce(commit(0, 50, 'other/0'));
      await publisher.announce(commit(0, 60, 'default/1'));
      const { headers, payload } = toMessage(commit(0, 70, 'other/0'));
      raw.publish('bailiwick.event.default.0', payload, { headers });
      await raw.flush();
      await publisher.announce(commit(0, 7));
      await until(() => heads.length >= 2);
      expect(heads).toEqual([7, 7]);
      await Promise.all(sources.map((source) => source.stop()));
    });

    it('receives more messages than one flow-control window of the server', async () => {
      let heard = 0;
      let gaps = 0;
      const source = jetStreamSource(bus).subscribe(LOG, { head: () => (heard += 1), gap: () => (gaps += 1) });
      await until(() => gaps > 0);
      const padding = 'x'.repeat(3_000); // the largest that the stream accepts: 9 MB in total
      for (let sent = 0; sent < 3_000; sent += 500) {
        const some = range(500).map((n) => toMessage(commit(sent + n, sent + n + 1)));
        const acks = some.map(({ subject, headers, payload }) => {
          headers.set('ce-padding', padding);
          return raw.jetstream().publish(subject, payload, { headers });
        });
        await Promise.all(acks);
      }
      await until(() => heard === 3_000);
      expect((await stream()).state.consumer_count).toBe(1); // an abandoned consumer would still exist
      expect(gaps).toBe(1);
      await source.stop();
    });

    it('loses nothing if most announcements are late or missing', async () => {
      const follower = followLog(options(20));
      const news = range(20).map(() => append(30));
      for (const [round, each] of news.reverse().entries()) if (round % 3 === 2) await publisher.announce(each);
      append(5); // its owner is killed before the announcement
      await until(() => handled.length === 605);
      await follower.stop();
      expect(positions()).toEqual(range(605));
    });

    it('continues after the server restarts with an empty store, first by polling, then by announcements', async () => {
      const follower = followLog(options(60_000));
      await publisher.announce(append(20));
      await until(() => handled.length === 20);

      await server.kill();
      await server.emptyStore();
      await until(() => bus.status().state === 'disconnected');
      await publisher.announce(append(30)); // committed, but not announced
      await server.up();
      await until(() => handled.length === 50);

      await until(async () => (await stream().catch(() => undefined)) !== undefined);
      for (let round = 0; handled.length < 100 || round < 10; round += 1) {
        if (round < 10) await publisher.announce(append(5));
        await pause();
      }
      await follower.stop();
      expect(positions()).toEqual(range(100));
    });

    it('continues after the stream is deleted', async () => {
      const follower = followLog(options(100));
      await publisher.announce(append(5));
      await (await raw.jetstreamManager()).streams.delete(EVENT_STREAM);
      await publisher.announce(append(5));
      await until(() => handled.length === 10);
      await follower.stop();
      expect(positions()).toEqual(range(10));
    });

    it('can be followed by subject alone, across a restart', async () => {
      const follower = followLog({ ...options(60_000), source: subjectSource(bus) });
      await until(() => reads >= 1);
      for (let round = 0; round < 20; round += 1) {
        await publisher.announce(append(10));
        await until(() => handled.length === log.length);
      }
      await server.kill();
      append(10);
      await server.up();
      await until(() => handled.length === 210);
      await follower.stop();
      expect(positions()).toEqual(range(210));
    });

    it('leaves no consumer behind', async () => {
      const follower = followLog(options(60_000));
      await publisher.announce(append(5));
      await until(() => handled.length === 5);
      await follower.stop();
      await until(async () => (await stream()).state.consumer_count === 0);
    });
  });
});

it('the event stream reports a server without JetStream', async () => {
  const server = await TestNatsServer.start('jetstream: disabled\n');
  const bus = await connectBus({ url: server.url, name: 'owner' });
  await expect(eventPublisher(bus).ensureStream()).rejects.toThrow('start it with --jetstream');
  await bus.drain();
  await server.remove();
});

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause();
}
