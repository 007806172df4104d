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

  it('has these limits, and may be made again, by several at once', async () => {
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

  it('is brought to the present limits where it was made with others', async () => {
    const manager = await raw.jetstreamManager();
    await manager.streams.update(EVENT_STREAM, { max_bytes: 1_000_000 });
    await publisher.ensureStream();
    expect((await stream()).config.max_bytes).toBe(BUS_LIMITS.streamBytes);
  });

  it('is made anew, in memory, where an earlier build kept it on disk', async () => {
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

  it('makes the stream again where it is gone', async () => {
    await (await raw.jetstreamManager()).streams.delete(EVENT_STREAM);
    expect(await publisher.announce(commit(0, 1))).toEqual(NEW);
  });

  it('says at once that it could not announce while the server is away', async () => {
    await server.kill();
    await until(() => bus.status().state === 'disconnected');
    expect(await publisher.announce(commit(0, 2))).toEqual({ ok: false, error: 'not connected' });
  });

  it('has no more in flight than it may, and says so', async () => {
    const most = BUS_LIMITS.announceInFlight;
    const said = await Promise.all(range(most + 500).map((n) => publisher.announce(commit(n, n + 1))));
    expect(said.slice(0, most).every(({ ok }) => ok)).toBe(true);
    expect(new Set(said.slice(most).map((each) => !each.ok && each.error))).toEqual(
      new Set(['too many announcements wait for the stream']),
    );
    expect(await publisher.announce(commit(most, most + 1))).toEqual(NEW);
  });

  it('says what cannot be announced', async () => {
    expect(await publisher.announce(commit(3, 3))).toEqual({
      ok: false,
      error: 'not the positions of a commit: 3 to 3',
    });
  });

  describe('followed', () => {
    let log: FollowedEvent[];
    let handled: FollowedEvent[];
    let reads: number;
    /** Commits so many, in the log only. */
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

    it('hands on what is announced, as it stands in the log', async () => {
      append(10);
      const follower = followLog(options(60_000));
      await until(() => handled.length === 10);
      for (let round = 0; round < 20; round += 1) {
        await publisher.announce(append(50));
        await until(() => handled.length === log.length); // by the news alone: nobody asks, and no look is due
      }
      await follower.stop();
      expect(handled).toEqual(log);
    });

    it('hears nothing of other logs, nor what its subject does not say', async () => {
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

    it('gets through more than the server sends without an answer to its flow control', async () => {
      let heard = 0;
      let gaps = 0;
      const source = jetStreamSource(bus).subscribe(LOG, { head: () => (heard += 1), gap: () => (gaps += 1) });
      await until(() => gaps > 0);
      const beside = 'x'.repeat(3_000); // as large as the stream takes: 9 MB in all
      for (let sent = 0; sent < 3_000; sent += 500) {
        const some = range(500).map((n) => toMessage(commit(sent + n, sent + n + 1)));
        const acks = some.map(({ subject, headers, payload }) => {
          headers.set('ce-beside', beside);
          return raw.jetstream().publish(subject, payload, { headers });
        });
        await Promise.all(acks);
      }
      await until(() => heard === 3_000);
      expect((await stream()).state.consumer_count).toBe(1); // one that was given up would still be there
      expect(gaps).toBe(1);
      await source.stop();
    });

    it('loses nothing when most of the news was never sent, or late', async () => {
      const follower = followLog(options(20));
      const news = range(20).map(() => append(30));
      for (const [round, each] of news.reverse().entries()) if (round % 3 === 2) await publisher.announce(each);
      append(5); // its owner died right here: nobody is told
      await until(() => handled.length === 605);
      await follower.stop();
      expect(positions()).toEqual(range(605));
    });

    it('goes on after the server came back with an empty store, by a look, and then by news', async () => {
      const follower = followLog(options(60_000));
      await publisher.announce(append(20));
      await until(() => handled.length === 20);

      await server.kill();
      await server.emptyStore();
      await until(() => bus.status().state === 'disconnected');
      await publisher.announce(append(30)); // committed, and announced to nobody
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

    it('goes on after the stream was deleted under it', async () => {
      const follower = followLog(options(100));
      await publisher.announce(append(5));
      await (await raw.jetstreamManager()).streams.delete(EVENT_STREAM);
      await publisher.announce(append(5));
      await until(() => handled.length === 10);
      await follower.stop();
      expect(positions()).toEqual(range(10));
    });

    it('can be followed by the subject alone, through a restart', async () => {
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

it('says so where the server has no JetStream', async () => {
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
