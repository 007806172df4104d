import { connect, type NatsConnection } from 'nats';
import type { AnnouncedEvent } from '#bus/cloudevent';
import { connectBus, type Bus } from '#bus/connect';
import { jetStreamSource, subjectSource } from '#bus/event-source';
import { EVENT_STREAM, eventPublisher, type EventPublisher } from '#bus/events';
import { followLog, type Batch, type FollowedEvent } from '#bus/follow-log';
import { BUS_LIMITS } from '#bus/limits';
import { TestNatsServer } from './bus-server';

const LOG = 'default/0';
const eventAt = (position: number, log = LOG): AnnouncedEvent => ({
  log,
  position,
  type: 'RunOpened',
  time: '2026-01-01T00:00:00.000Z',
  body: `{"position": ${position},  "text":"ü"}`,
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
      subjects: ['bailiwick.event.>'],
      storage: 'file',
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

  it('keeps each event once, in order, with its exact bytes, however often it is published', async () => {
    const events = range(1_200).map((position) => eventAt(position));
    expect(await publisher.publishEvents(events)).toEqual({ published: 1_200, duplicates: 0, failed: [] });
    expect(await publisher.publishEvents(events.slice(1_000))).toEqual({ published: 200, duplicates: 200, failed: [] });
    expect((await stream()).state.messages).toBe(1_200);
    const manager = await raw.jetstreamManager();
    for (const position of [0, 511, 512, 1_199]) {
      const stored = await manager.streams.getMessage(EVENT_STREAM, { seq: position + 1 });
      expect(new TextDecoder().decode(stored.data)).toBe(eventAt(position).body);
      expect(stored.header.get('Nats-Msg-Id')).toBe(`${LOG}:${position}`);
      expect(stored.subject).toBe('bailiwick.event.default.0.RunOpened');
    }
  });

  it('makes the stream again where it is gone', async () => {
    await (await raw.jetstreamManager()).streams.delete(EVENT_STREAM);
    expect(await publisher.publishEvents([eventAt(0)])).toEqual({ published: 1, duplicates: 0, failed: [] });
  });

  it('says at once what it could not publish while the server is away', async () => {
    await server.kill();
    await until(() => bus.status().state === 'disconnected');
    const report = await publisher.publishEvents([eventAt(0), eventAt(1)]);
    expect(report).toMatchObject({ published: 0, failed: [{ id: `${LOG}:0` }, { id: `${LOG}:1` }] });
    expect(await publisher.publishEvents([])).toEqual({ published: 0, duplicates: 0, failed: [] });
  });

  it('keeps the order over calls that do not wait for each other, and no more in flight than it may', async () => {
    const calls = Array.from({ length: 25 }, (_, call) =>
      publisher.publishEvents(Array.from({ length: 400 }, (_unused, index) => eventAt(call * 400 + index))),
    );
    const reports = await Promise.all(calls);
    expect(reports.reduce((sum, { published }) => sum + published, 0)).toBe(BUS_LIMITS.publishInFlight);
    expect(reports.flatMap(({ failed }) => failed)).toHaveLength(10_000 - BUS_LIMITS.publishInFlight);
    const manager = await raw.jetstreamManager();
    for (const seq of [1, 400, 401, 5_000, BUS_LIMITS.publishInFlight]) {
      const stored = await manager.streams.getMessage(EVENT_STREAM, { seq });
      expect(stored.header.get('Nats-Msg-Id')).toBe(`${LOG}:${seq - 1}`);
    }
  });

  it('reports an event that has no message, and publishes the others', async () => {
    const report = await publisher.publishEvents([eventAt(0), { ...eventAt(1), type: '>' }, eventAt(2)]);
    expect(report).toMatchObject({
      published: 2,
      failed: [{ id: `${LOG}:1`, detail: expect.stringContaining('not an event type') }],
    });
  });

  describe('followed', () => {
    let log: FollowedEvent[];
    let handled: FollowedEvent[];
    let reads: number;
    const append = (count: number): AnnouncedEvent[] => {
      const fresh = Array.from({ length: count }, (_, index) => eventAt(log.length + index));
      log.push(...fresh);
      return fresh;
    };
    const options = (pollMs: number) => ({
      log: LOG,
      source: jetStreamSource(bus),
      repair: async (_log: string, from: number, limit: number) => {
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

    it('hands on what is published, by message, with its exact bytes', async () => {
      append(10);
      const follower = followLog(options(60_000));
      await until(() => handled.length === 10);
      // The consumer's start asks for one more look; from then on messages alone carry everything.
      await until(() => reads >= 2);
      const before = reads;
      for (let round = 0; round < 20; round += 1) await publisher.publishEvents(append(50));
      await publisher.publishEvents([eventAt(3), { ...eventAt(5_000_000), log: 'other/0' }]);
      expect(await follower.caughtUpTo(log.length - 1, 10_000)).toBe(true);
      await follower.stop();
      expect(positions()).toEqual(range(1_010));
      expect(handled.map(({ body }) => body)).toEqual(log.map(({ body }) => body));
      expect(reads - before).toBeLessThan(20);
    });

    it('gets through more than the server sends without an answer to its flow control', async () => {
      const follower = followLog(options(60_000));
      await until(() => reads >= 2);
      const text = 'x'.repeat(10_000);
      for (let round = 0; round < 40; round += 1) {
        const fresh = append(50).map((event) => ({
          ...event,
          body: JSON.stringify({ text, position: event.position }),
        }));
        log.splice(-50, 50, ...fresh);
        await publisher.publishEvents(fresh);
      }
      await until(() => handled.length === 2_000);
      expect((await stream()).state.consumer_count).toBe(1); // one that was given up would still be there
      await follower.stop();
      expect(positions()).toEqual(range(2_000));
      expect(reads).toBeLessThan(10);
    });

    it('loses nothing when messages were never sent', async () => {
      const follower = followLog(options(20));
      for (let round = 0; round < 20; round += 1) {
        const fresh = append(30);
        await publisher.publishEvents(fresh.filter((_, index) => (index * 7 + round) % 3 === 0).reverse());
      }
      await until(() => handled.length === 600);
      await follower.stop();
      expect(positions()).toEqual(range(600));
    });

    it('goes on after the server came back with an empty store, first from the log, then by message', async () => {
      const follower = followLog(options(60_000));
      await publisher.publishEvents(append(20));
      await until(() => handled.length === 20);

      await server.kill();
      await server.emptyStore();
      await until(() => bus.status().state === 'disconnected');
      await publisher.publishEvents(append(30)); // committed, and announced to nobody
      await server.up();
      await until(() => handled.length === 50);

      await until(async () => (await stream().catch(() => undefined)) !== undefined);
      for (let round = 0; handled.length < 100 || round < 10; round += 1) {
        if (round < 10) await publisher.publishEvents(append(5));
        await pause();
      }
      await follower.stop();
      expect(positions()).toEqual(range(100));
    });

    it('goes on after the stream was deleted under it', async () => {
      const follower = followLog(options(100));
      await publisher.publishEvents(append(5));
      await (await raw.jetstreamManager()).streams.delete(EVENT_STREAM);
      await publisher.publishEvents(append(5));
      await until(() => handled.length === 10);
      await follower.stop();
      expect(positions()).toEqual(range(10));
    });

    it('can be followed by the subject alone, through a restart', async () => {
      const follower = followLog({ ...options(60_000), source: subjectSource(bus) });
      await until(() => reads === 1);
      for (let round = 0; round < 20; round += 1) await publisher.publishEvents(append(10));
      await until(() => handled.length === 200);
      expect(reads).toBe(1);
      await server.kill();
      append(10);
      await server.up();
      await until(() => handled.length === 210);
      await follower.stop();
      expect(positions()).toEqual(range(210));
    });

    it('leaves no consumer behind', async () => {
      const follower = followLog(options(60_000));
      await publisher.publishEvents(append(5));
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
