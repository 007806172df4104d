import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { AckPolicy, connect, type NatsConnection } from 'nats';
import { connectBus, natsOf, type Bus } from '@bailiwick/messaging/connect';
import { StreamPublisher } from '@bailiwick/messaging/event-stream/stream-publisher';
import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import { EVENT_STREAM, toStreamMessages } from '@bailiwick/messaging/event-stream/event-message';
import { makeConsumer } from '@bailiwick/messaging/event-stream/subscribers';
import { BUS_LIMITS } from '@bailiwick/messaging/bus-limits';
import { consumerName, EVENTS_USER } from '@bailiwick/messaging/subjects';
import { natsConfig } from '@bailiwick/platform/local-servers/nats';
import { TestNatsServer } from './bus-server';

jest.setTimeout(60_000);

/** A log in memory. */
class FakeLog {
  readonly events = new Map<string, EventWithoutPayload[]>();
  reads = 0;

  append(log: string, count: number, type = 'ActionDecided'): EventWithoutPayload[] {
    const all = this.events.get(log) ?? [];
    this.events.set(log, all);
    const added = Array.from({ length: count }, (_, i) => ({
      log,
      position: all.length + i,
      type,
      time: '2026-03-01T12:00:00.000Z',
      body: JSON.stringify({ log, position: all.length + i }),
    }));
    all.push(...added);
    return added;
  }
  read(log: string, from: number, limit: number): Promise<EventWithoutPayload[]> {
    this.reads += 1;
    return Promise.resolve((this.events.get(log) ?? []).slice(from, from + limit));
  }
  head(log: string): Promise<number> {
    return Promise.resolve((this.events.get(log) ?? []).length);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('StreamPublisher', () => {
  let server: TestNatsServer;
  let bus: Bus;
  let client: NatsConnection;
  let log: FakeLog;
  let publisher: StreamPublisher;
  const warnings: string[] = [];

  beforeEach(async () => {
    warnings.length = 0;
    server = await TestNatsServer.start();
    bus = await connectBus({ url: server.url, name: 'publisher' });
    client = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    log = new FakeLog();
    publisher = makePublisher(bus);
  });
  afterEach(async () => {
    await publisher.stop();
    await bus.drain();
    await client.close();
    await server.remove();
  });

  const makePublisher = (over: Bus): StreamPublisher =>
    new StreamPublisher(over, log, (message, cause) => warnings.push(`${message}: ${(cause as Error).message}`));

  const streamSize = (): Promise<number> =>
    client.jetstreamManager({ checkAPI: false, timeout: 1_000 }).then((manager) =>
      manager.streams.info(EVENT_STREAM).then(
        ({ state }) => state.messages,
        () => 0,
      ),
    );

  /** Adds a durable consumer once the stream exists: events are published while there is one. */
  async function addConsumer(durable: string, filter = 'bailiwick.events.>'): Promise<void> {
    const manager = await client.jetstreamManager({ checkAPI: false, timeout: 1_000 });
    await until(() =>
      manager.streams.info(EVENT_STREAM).then(
        () => true,
        () => false,
      ),
    );
    await manager.consumers.add(EVENT_STREAM, {
      durable_name: durable,
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
    });
  }

  /** Reads `count` messages as an ordinary durable consumer does, each acknowledged. */
  async function consume(durable: string, filter: string, count: number): Promise<{ id: string; subject: string }[]> {
    await addConsumer(durable, filter);
    const consumer = await client.jetstream().consumers.get(EVENT_STREAM, durable);
    const found: { id: string; subject: string }[] = [];
    while (found.length < count) {
      for await (const message of await consumer.fetch({ max_messages: count - found.length, expires: 2_000 })) {
        found.push({ id: message.headers?.get('ce-id') ?? '', subject: message.subject });
        await message.ackAck();
      }
    }
    return found;
  }

  it('publishes every event once, in the order of its log, as a CloudEvent', async () => {
    log.append('acme/0', 1_200);
    publisher.follow('acme/0');
    const found = await consume('all', 'bailiwick.events.acme.0.>', 1_200);
    expect(found.map(({ id }) => id)).toEqual(range(0, 1_200).map((position) => `acme/0:${position}`));
    const manager = await client.jetstreamManager();
    const message = await manager.streams.getMessage(EVENT_STREAM, { seq: 8 });
    expect(message.subject).toBe('bailiwick.events.acme.0.ActionDecided');
    expect(Object.fromEntries([...message.header].map(([name, [value]]) => [name, value]))).toMatchObject({
      'Nats-Msg-Id': 'acme/0:7',
      'ce-specversion': '1.0',
      'ce-id': 'acme/0:7',
      'ce-source': '/log/acme/0',
      'ce-type': 'dev.bailiwick.ActionDecided',
      'ce-time': '2026-03-01T12:00:00.000Z',
      'ce-position': '7',
    });
    expect(message.string()).toBe('{"log":"acme/0","position":7}');
    expect(warnings).toEqual([]);
  });

  it('publishes offered events without reading them from the log', async () => {
    publisher.follow('acme/0');
    await addConsumer('all', 'bailiwick.events.acme.0.>');
    await until(() => log.reads > 0);
    const { reads } = log;
    publisher.offer('acme/0', log.append('acme/0', 100));
    await until(() => publisher.behind === 0);
    expect(await consume('all', 'bailiwick.events.acme.0.>', 100)).toHaveLength(100);
    expect(log.reads - reads).toBeLessThanOrEqual(1); // one read finds that nothing is left
  });

  it('reads from the log what it could not hold', async () => {
    publisher.follow('acme/0');
    log.append('acme/0', BUS_LIMITS.eventStreamHeld * 2);
    publisher.offer('acme/0', log.append('acme/0', 3));
    const count = BUS_LIMITS.eventStreamHeld * 2 + 3;
    const found = await consume('all', 'bailiwick.events.acme.0.>', count);
    expect(found.map(({ id }) => id)).toEqual(range(0, count).map((position) => `acme/0:${position}`));
  });

  it('continues after a restart of the server and of the publisher: no gap, no duplicate', async () => {
    publisher.follow('acme/0');
    publisher.offer('acme/0', log.append('acme/0', 700));
    const first = await consume('durable', 'bailiwick.events.acme.>', 300);
    await server.kill();
    publisher.offer('acme/0', log.append('acme/0', 400));
    await server.up();
    await until(() => publisher.behind === 0);
    await publisher.stop();
    log.append('acme/0', 250); // committed while no publisher runs
    publisher = makePublisher(bus);
    publisher.follow('acme/0');
    expect(first.map(({ id }) => id)).toEqual(range(0, 300).map((position) => `acme/0:${position}`));
    // another consumer: a killed server may forget what the first one acknowledged
    const all = await consume('whole', 'bailiwick.events.acme.>', 1_350);
    expect(all.map(({ id }) => id)).toEqual(range(0, 1_350).map((position) => `acme/0:${position}`));
    const { state } = await (await client.jetstreamManager()).streams.info(EVENT_STREAM);
    expect(state.messages).toBe(1_350);
  });

  it('publishes the newest events again after the server lost its store', async () => {
    publisher.follow('acme/0');
    publisher.offer('acme/0', log.append('acme/0', BUS_LIMITS.eventStreamBackfill + 100));
    await addConsumer('reader');
    await until(() => publisher.behind === 0);
    await server.kill();
    await server.emptyStore();
    await server.up();
    const found = await consume('again', 'bailiwick.events.acme.>', 1);
    expect(found).toEqual([{ id: 'acme/0:100', subject: 'bailiwick.events.acme.0.ActionDecided' }]);
  });

  it('publishes the logs in turns, so that a busy log does not hold up another', async () => {
    log.append('busy/0', 5_000);
    log.append('quiet/0', 1);
    publisher.follow('busy/0');
    publisher.follow('quiet/0');
    await addConsumer('reader');
    await until(() => streamSize().then((size) => size === 5_001));
    const manager = await client.jetstreamManager();
    const quiet = await manager.streams.getMessage(EVENT_STREAM, { last_by_subj: 'bailiwick.events.quiet.0.>' });
    expect(quiet.seq).toBe(BUS_LIMITS.eventStreamBatch + 1);
  });

  it('reports an outage once and retries at intervals, however many events are offered', async () => {
    await publisher.stop();
    await server.kill();
    // every connection is one of an account without JetStream
    await server.configure('accounts { NONE { users: [{ user: a, password: b }] } }\nno_auth_user: a\n');
    await server.up();
    await until(() => bus.status().state === 'connected');
    let attempts = 0;
    const { nats } = natsOf(bus);
    const request = nats.request.bind(nats);
    nats.request = (...args) => {
      attempts += 1;
      return request(...args);
    };
    publisher = makePublisher(bus);
    publisher.follow('acme/0');
    await until(() => warnings.length > 0);
    const before = attempts;
    for (let i = 0; i < 50; i++) {
      publisher.offer('acme/0', log.append('acme/0', 1));
      await new Promise(setImmediate);
    }
    expect(attempts).toBe(before);
    await until(() => attempts > before);
    expect(warnings).toHaveLength(1);
    await server.kill();
    await server.configure('');
    await server.up();
    expect(await consume('all', 'bailiwick.events.acme.>', 50)).toHaveLength(50);
  });

  it('publishes while the stream has a consumer; its first one receives the events before it', async () => {
    publisher.follow('acme/0');
    publisher.offer('acme/0', log.append('acme/0', 30));
    await addConsumer('zeta', 'bailiwick.events.zeta.>');
    await until(() => publisher.behind === 0);
    const manager = await client.jetstreamManager({ checkAPI: false, timeout: 1_000 });
    await manager.consumers.delete(EVENT_STREAM, 'zeta');
    let published: number;
    do {
      published = await streamSize();
      publisher.offer('acme/0', log.append('acme/0', 1));
      await new Promise((resolve) => setTimeout(resolve, BUS_LIMITS.eventStreamAskMs));
    } while ((await streamSize()) > published);
    expect(publisher.behind).toBe(1);
    const count = log.events.get('acme/0')?.length ?? 0;
    const found = await consume('late', 'bailiwick.events.acme.>', count);
    expect(found.map(({ id }) => id)).toEqual(range(0, count).map((position) => `acme/0:${position}`));
    expect(warnings).toEqual([]);
  });

  it('stores no event without the one before it, however the messages of two publishers arrive', async () => {
    publisher.follow('acme/0');
    await addConsumer('reader');
    const manager = await client.jetstreamManager();
    const stream = client.jetstream();
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.infiniteStream(fc.boolean()), async (id, isFirst) => {
        const { last_seq: before } = (await manager.streams.info(EVENT_STREAM)).state;
        const names = [`a-${id}/0`, `b-${id}/0`];
        const [one = [], other = []] = names.map((name) => toStreamMessages(name, log.append(name, 6), before));
        for (const chooses of isFirst) {
          const next = (chooses ? one : other).shift() ?? one.shift() ?? other.shift();
          if (!next) break;
          await stream.publish(next.subject, next.payload, { headers: next.headers }).catch(() => 0);
        }
        const stored: string[] = [];
        const { last_seq: last } = (await manager.streams.info(EVENT_STREAM)).state;
        for (let seq = before + 1; seq <= last; seq++)
          stored.push((await manager.streams.getMessage(EVENT_STREAM, { seq })).header.get('ce-id'));
        for (const name of names) {
          const ofLog = stored.filter((each) => each.startsWith(name));
          expect(ofLog).toEqual(range(0, ofLog.length).map((position) => `${name}:${position}`));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not interleave with another publisher', async () => {
    const other = await connectBus({ url: server.url, name: 'other' });
    const second = makePublisher(other);
    try {
      for (const each of [publisher, second]) for (const name of ['acme/0', 'zeta/0']) each.follow(name);
      for (let i = 0; i < 20; i++)
        for (const name of ['acme/0', 'zeta/0']) {
          const events = log.append(name, 37);
          publisher.offer(name, events);
          second.offer(name, events);
        }
      for (const name of ['acme', 'zeta']) {
        const found = await consume(`all-${name}`, `bailiwick.events.${name}.>`, 740);
        expect(found.map(({ id }) => id)).toEqual(range(0, 740).map((position) => `${name}/0:${position}`));
      }
      await until(() => publisher.behind === 0 && second.behind === 0);
      const { state } = await (await client.jetstreamManager()).streams.info(EVENT_STREAM);
      expect(state.messages).toBe(1_480);
    } finally {
      await second.stop();
      await other.drain();
    }
  });
});

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a subscriber of the event stream', () => {
  const subscribers = [
    { tenant: 'acme', name: 'siem', password: 'siem-secret' },
    { tenant: 'zeta', name: 'siem', password: 'zeta-secret' },
  ];
  let server: TestNatsServer;
  let dir: string;
  let bus: Bus;
  let publisher: StreamPublisher;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bailiwick-nats-'));
    const users = { gateway: 'gateway-secret', operator: 'operator-secret', [EVENTS_USER]: 'events-secret' };
    const config = natsConfig({ host: '127.0.0.1', port: 0, dir }, users, subscribers);
    server = await TestNatsServer.start(config.slice(config.indexOf('accounts')));
    const inboxPrefix = `_INBOX.${EVENTS_USER}`;
    bus = await connectBus({ url: server.url, user: EVENTS_USER, pass: 'events-secret', name: 'ledger', inboxPrefix });
    const log = new FakeLog();
    publisher = new StreamPublisher(bus, log, () => undefined);
    for (const name of ['acme/0', 'zeta/0']) {
      log.append(name, 10);
      publisher.follow(name);
      publisher.offer(name, log.append(name, 10));
    }
    for (const each of subscribers) await makeConsumer(bus, each);
    await until(() => publisher.behind === 0);
  });
  afterAll(async () => {
    await publisher.stop();
    await bus.drain();
    await server.remove();
    await rm(dir, { recursive: true });
  });

  const connectAs = (user: string, pass: string): Promise<NatsConnection> =>
    connect({ servers: server.url, user, pass, inboxPrefix: `_INBOX.${user}` });

  it('receives every event of its tenant once, with an ordinary client, and none of another', async () => {
    const user = consumerName(subscribers[0]!);
    const client = await connectAs(user, 'siem-secret');
    const consumer = await client.jetstream({ timeout: 5_000 }).consumers.get(EVENT_STREAM, user);
    const ids: string[] = [];
    for await (const message of await consumer.fetch({ max_messages: 50, expires: 1_500 })) {
      ids.push(message.headers?.get('ce-id') ?? '');
      message.ack();
    }
    expect(ids).toEqual(range(0, 20).map((position) => `acme/0:${position}`));
    await client.close();
  });

  it.each([
    ['another consumer', `$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.subscriber_zeta_siem`, '{"batch":1}'],
    ['a new consumer', `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}`, '{}'],
    ['a stored message', `$JS.API.STREAM.MSG.GET.${EVENT_STREAM}`, '{"seq":1}'],
    ['the stream', `$JS.API.STREAM.INFO.${EVENT_STREAM}`, ''],
    ['an event to publish', 'bailiwick.events.acme.0.RunOpened', '{}'],
    ['a command to a service', 'bailiwick.command.acme.0', '{}'],
  ])('is refused %s', async (_what, subject, payload) => {
    const client = await connectAs(consumerName(subscribers[0]!), 'siem-secret');
    await expect(client.request(subject, payload, { timeout: 2_000 })).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    });
    await client.close();
  });

  it('hears nothing on the subjects of events and services', async () => {
    const client = await connectAs(consumerName(subscribers[0]!), 'siem-secret');
    for (const subject of ['bailiwick.events.>', 'bailiwick.command.>', '>']) {
      const failed = new Promise<string | undefined>((resolve) =>
        client.subscribe(subject, { callback: (error) => resolve(error?.code) }),
      );
      expect([subject, await failed]).toEqual([subject, 'PERMISSIONS_VIOLATION']);
    }
    await client.close();
  });

  it('cannot put its events under the subject of another tenant or of a service', async () => {
    const user = consumerName(subscribers[0]!);
    const operator = await connectAs('operator', 'operator-secret');
    const heard: string[] = [];
    operator.subscribe('>', { callback: (_error, message) => heard.push(message.subject) });
    await operator.flush();
    const client = await connectAs(user, 'siem-secret');
    for (const reply of ['bailiwick.events.zeta.0.RunOpened', 'bailiwick.command.acme.0', 'bailiwick.owned'])
      client.publish(`$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.${user}`, '{"batch":5}', { reply });
    await client.flush();
    await operator.flush();
    const zeta = await connectAs(consumerName(subscribers[1]!), 'zeta-secret');
    const consumer = await zeta.jetstream({ timeout: 5_000 }).consumers.get(EVENT_STREAM, 'subscriber_zeta_siem');
    const ids: string[] = [];
    for await (const message of await consumer.fetch({ max_messages: 50, expires: 1_500 })) {
      ids.push(message.headers?.get('ce-id') ?? '');
      message.ack();
    }
    expect(ids).toEqual(range(0, 20).map((position) => `zeta/0:${position}`));
    expect(heard.filter((subject) => !subject.startsWith('_INBOX'))).toEqual([]);
    for (const each of [client, zeta, operator]) await each.close();
  });
});
