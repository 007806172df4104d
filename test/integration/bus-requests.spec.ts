import { connectBus, natsOf, type Bus, type BusEvent } from '@bailiwick/messaging/connect';
import { HandlerError } from '@bailiwick/messaging/failure';
import { BUS_LIMITS } from '@bailiwick/messaging/bus-limits';
import { TestNatsServer } from './bus-server';

describe('requests over a real nats-server', () => {
  let server: TestNatsServer;
  let service: Bus;
  let caller: Bus;

  beforeAll(async () => {
    server = await TestNatsServer.start();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    service = await connectBus({ url: server.url, name: 'service' });
    caller = await connectBus({ url: server.url, name: 'caller', inboxPrefix: '_INBOX_caller' });
  });
  afterEach(() => Promise.all([service.drain(), caller.drain()]));

  const ask = (subject: string, payload?: unknown, timeoutMs = 5_000) => caller.request(subject, payload, timeoutMs);

  it('return the result of the handler, any JSON value', async () => {
    service.serve('bailiwick.admin.echo', (payload) => payload);
    await served();
    for (const value of [{ a: [1, 'ü', null] }, [], 'text', 0, false, null, undefined]) {
      expect(await ask('bailiwick.admin.echo', value)).toEqual({ ok: true, value });
    }
  });

  it('pass the subject and the headers to the handler', async () => {
    service.serve('bailiwick.command.*.*', (_payload, { subject, headers }) => ({
      subject,
      trace: headers['traceparent'],
    }));
    await served();
    const headers = { Traceparent: '00-1-2-01' };
    expect(await caller.request('bailiwick.command.default.0', {}, 5_000, { headers })).toEqual({
      ok: true,
      value: { subject: 'bailiwick.command.default.0', trace: '00-1-2-01' },
    });
  });

  it('deliver the parts of an answer in order as they arrive, and its last message as the answer', async () => {
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    service.serve('bailiwick.admin.parts', async (_payload, { part }) => {
      part({ nth: 1 });
      part({ nth: 2 });
      await slow;
      return 'rest';
    });
    await served();
    const parts: unknown[] = [];
    const asked = caller.request('bailiwick.admin.parts', {}, 5_000, {
      onPart: (part) => {
        parts.push(part);
        if (parts.length === 2) finish(); // so both arrived before the answer
      },
    });
    expect(await asked).toEqual({ ok: true, value: 'rest' });
    expect(parts).toEqual([{ nth: 1 }, { nth: 2 }]);
  });

  it('fail with the usual codes if parts are requested', async () => {
    const options = { onPart: () => undefined };
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    service.serve('bailiwick.admin.never', () => held, { maxPending: 1 });
    service.serve('bailiwick.admin.large', (_payload, { part }) => {
      part('x'.repeat(BUS_LIMITS.payloadBytes));
      return 'rest';
    });
    await served();
    const code = async (subject: string) => {
      const reply = await caller.request(`bailiwick.admin.${subject}`, {}, 100, options);
      return reply.ok ? 'ok' : reply.error.code;
    };
    expect(await code('unserved')).toBe('NO_RESPONDERS');
    expect(await code('never')).toBe('TIMEOUT');
    expect(await code('never')).toBe('BUSY');
    expect(await caller.request('bailiwick.admin.large', {}, 5_000, options)).toMatchObject({
      ok: false,
      error: { code: 'TOO_LARGE' },
    });
    release();
  });

  it('fail at once if no service serves the subject, and no handler runs', async () => {
    expect(await ask('bailiwick.admin.unserved', {})).toMatchObject({
      ok: false,
      error: { code: 'NO_RESPONDERS', mayHaveRun: false },
    });
  });

  it('time out if the answer takes too long, with mayHaveRun set', async () => {
    let answer = (): void => undefined;
    service.serve('bailiwick.admin.slow', () => new Promise<void>((resolve) => (answer = resolve)));
    await served();
    expect(await ask('bailiwick.admin.slow', {}, 30)).toMatchObject({
      ok: false,
      error: { code: 'TIMEOUT', mayHaveRun: true },
    });
    answer();
  });

  it('return a HandlerError with its detail, and any other error without its text', async () => {
    const seen: unknown[] = [];
    service.serve(
      'bailiwick.admin.fail',
      (kind) => {
        throw kind === 'own' ? new HandlerError('NOT_FOUND', 'no such thing') : new Error('password=hunter2');
      },
      { onError: (error) => seen.push(error) },
    );
    await served();
    expect(await ask('bailiwick.admin.fail', 'own')).toMatchObject({
      ok: false,
      error: { code: 'HANDLER_FAILED', remote: { code: 'NOT_FOUND', detail: 'no such thing' } },
    });
    const other = await ask('bailiwick.admin.fail', 'other');
    expect(other).toMatchObject({ ok: false, error: { code: 'HANDLER_FAILED', mayHaveRun: true } });
    expect(JSON.stringify(other)).not.toContain('hunter2');
    expect(seen.map(String)).toEqual(['Error: password=hunter2']);
  });

  it('fail if the request or the answer is too large', async () => {
    let ran = 0;
    service.serve('bailiwick.admin.large', (size) => {
      ran += 1;
      return 'x'.repeat(Number(size));
    });
    await served();
    const large = 'x'.repeat(BUS_LIMITS.payloadBytes);
    expect(await ask('bailiwick.admin.large', large)).toMatchObject({
      ok: false,
      error: { code: 'TOO_LARGE', mayHaveRun: false },
    });
    expect(ran).toBe(0);
    expect(await ask('bailiwick.admin.large', BUS_LIMITS.payloadBytes)).toMatchObject({
      ok: false,
      error: { code: 'TOO_LARGE', mayHaveRun: true },
    });
    expect(await ask('bailiwick.admin.large', BUS_LIMITS.payloadBytes - 2)).toMatchObject({ ok: true });
  });

  it('run at most maxPending at once and refuse the rest with BUSY, without running them', async () => {
    const waiting: (() => void)[] = [];
    const serving = service.serve(
      'bailiwick.admin.narrow',
      () => new Promise<void>((resolve) => waiting.push(resolve)),
      { maxPending: 2 },
    );
    await served();
    const answers = Array.from({ length: 5 }, () => ask('bailiwick.admin.narrow', {}));
    const busy = answers.slice(2);
    for (const answer of busy)
      expect(await answer).toMatchObject({ ok: false, error: { code: 'BUSY', mayHaveRun: false } });
    expect(serving.pending).toBe(2);
    expect(waiting).toHaveLength(2);
    for (const done of waiting) done();
    for (const answer of answers.slice(0, 2)) expect(await answer).toMatchObject({ ok: true });
  });

  it('share a queue: one instance runs each request', async () => {
    const ran: string[] = [];
    const other = await connectBus({ url: server.url, name: 'service-2' });
    for (const [name, bus] of [
      ['a', service],
      ['b', other],
    ] as const) {
      bus.serve('bailiwick.admin.shared', () => void ran.push(name), { queue: 'q' });
      await bus.ping(5_000);
    }
    await Promise.all(Array.from({ length: 50 }, () => ask('bailiwick.admin.shared')));
    expect(ran).toHaveLength(50);
    expect(new Set(ran)).toEqual(new Set(['a', 'b']));
    await other.drain();
  });

  it('are left to other instances if this one may not answer: it runs no handler and sends nothing', async () => {
    let ran = 0;
    service.serve('bailiwick.admin.left', () => (ran += 1), { mayAnswer: () => Promise.resolve(false) });
    const other = await connectBus({ url: server.url, name: 'other' });
    await served();
    expect(await ask('bailiwick.admin.left', {}, 100)).toMatchObject({ ok: false, error: { code: 'TIMEOUT' } });
    other.serve('bailiwick.admin.left', () => 'the other', { mayAnswer: () => true });
    await other.ping(5_000);
    expect(await ask('bailiwick.admin.left', {})).toEqual({ ok: true, value: 'the other' });
    expect(ran).toBe(0);
    await other.drain();
  });

  it('get no answer from an instance that may no longer answer, not even a failure or BUSY', async () => {
    let mayAnswer: true | Promise<boolean> = true;
    let finish: ((value: unknown) => void)[] = [];
    service.serve('bailiwick.admin.late', () => new Promise((resolve) => finish.push(resolve)), {
      mayAnswer: () => mayAnswer,
      maxPending: 2,
    });
    await served();
    const asked = [ask('bailiwick.admin.late', {}, 400), ask('bailiwick.admin.late', {}, 400)];
    await until(() => finish.length === 2);
    expect(await ask('bailiwick.admin.late', {})).toMatchObject({ error: { code: 'BUSY' } });
    mayAnswer = Promise.resolve(false);
    const late = ask('bailiwick.admin.late', {}, 100);
    await served();
    finish[0]?.('value');
    finish[1]?.(Promise.reject(new Error('failed')));
    for (const each of [...asked, late]) expect(await each).toMatchObject({ ok: false, error: { code: 'TIMEOUT' } });
    finish = [];
    mayAnswer = Promise.resolve(true);
    const again = ask('bailiwick.admin.late', {});
    await until(() => finish.length === 1);
    finish[0]?.('value');
    expect(await again).toEqual({ ok: true, value: 'value' });
  });

  it('are unaffected by listeners, which receive published JSON until they stop', async () => {
    const heard: unknown[] = [];
    const stop = caller.listen('bailiwick.news.*', (payload, subject) => heard.push([subject, payload]));
    await caller.ping(5_000);
    natsOf(service).nats.publish('bailiwick.news.a', 'no JSON');
    for (const [subject, payload] of [
      ['bailiwick.news.a', { log: 'default/0' }],
      ['bailiwick.other', 1],
      ['bailiwick.news.b', 2],
    ] as const)
      service.publish(subject, payload);
    await until(() => heard.length >= 2);
    expect(heard).toEqual([
      ['bailiwick.news.a', { log: 'default/0' }],
      ['bailiwick.news.b', 2],
    ]);
    stop();
    service.publish('bailiwick.news.a', 3);
    await served();
    await caller.ping(5_000);
    expect(heard).toHaveLength(2);
  });

  it('are answered before the service closes', async () => {
    let answer = (): void => undefined;
    const taken = new Promise<void>((resolve) => {
      service.serve('bailiwick.admin.last', () => {
        resolve();
        return new Promise((done) => (answer = () => done('answered')));
      });
    });
    await served();
    const reply = ask('bailiwick.admin.last');
    await taken;
    const drained = service.drain();
    expect(await service.request('bailiwick.admin.last', {}, 100)).toMatchObject({
      ok: false,
      error: { code: 'DISCONNECTED' },
    });
    answer();
    expect(await reply).toEqual({ ok: true, value: 'answered' });
    await drained;
    expect(service.status().state).toBe('closed');
    await service.drain();
  });

  it('fail for subjects that would inject protocol commands', async () => {
    for (const subject of ['', 'a b', 'a\r\nPUB x 0', 'a..b', 'a.*', 'a.>', '.a', 'a.']) {
      await expect(ask(subject)).rejects.toThrow('not a subject');
      expect(() => caller.publish(subject, {})).toThrow('not a subject');
    }
    expect(() => service.serve('a b', () => undefined)).toThrow('not a subject');
    await expect(caller.request('a', {}, 0)).rejects.toThrow('timeoutMs');
  });

  it('need a connection: connecting fails with the address or the refused user', async () => {
    await expect(connectBus({ url: 'nats://127.0.0.1:1', name: 'x', connectMs: 300 })).rejects.toThrow(
      'no NATS server answers at',
    );
    const closed = await TestNatsServer.start('authorization { users: [ { user: "svc", password: "right" } ] }\n');
    await expect(connectBus({ url: closed.url, name: 'x', user: 'svc', pass: 'wrong' })).rejects.toThrow(
      'refuses user "svc"',
    );
    const bus = await connectBus({ url: closed.url, name: 'x', user: 'svc', pass: 'right' });
    expect(await bus.ping(5_000)).toMatchObject({ ok: true });
    await bus.drain();
    await closed.remove();
  });

  /** Waits until the server knows the subscriptions. */
  const served = () => service.ping(5_000);
});

describe('a nats-server that is killed and restarted', () => {
  it('fails pending requests at once, and new ones until it is back', async () => {
    const server = await TestNatsServer.start();
    const [service, caller] = await Promise.all(
      ['service', 'caller'].map((name) => connectBus({ url: server.url, name })),
    );
    if (!service || !caller) throw new Error('unreachable');
    const events: BusEvent['type'][] = [];
    caller.onEvent((event) => events.push(event.type));
    let ran = 0;
    let taken = (): void => undefined;
    const waits = new Promise<void>((resolve) => (taken = resolve));
    service.serve('bailiwick.admin.hang', () => {
      taken();
      return new Promise(() => undefined);
    });
    service.serve('bailiwick.admin.count', () => (ran += 1));
    await service.ping(5_000);

    const hanging = caller.request('bailiwick.admin.hang', {}, 60_000);
    await waits;
    await server.kill();
    expect(await hanging).toMatchObject({ ok: false, error: { code: 'DISCONNECTED', mayHaveRun: true } });
    expect(caller.status().state).toBe('disconnected');
    expect(await caller.request('bailiwick.admin.count', {}, 60_000)).toMatchObject({
      ok: false,
      error: { code: 'DISCONNECTED', mayHaveRun: false },
    });
    expect(caller.publish('bailiwick.admin.count', {})).toMatchObject({ ok: false, error: { code: 'DISCONNECTED' } });
    expect(await caller.ping(100)).toMatchObject({ ok: false });

    await server.up();
    await Promise.all([service, caller].map(connected));
    await service.ping(5_000);
    expect(await caller.request('bailiwick.admin.count', {}, 5_000)).toEqual({ ok: true, value: 1 });
    expect(ran).toBe(1); // the request that failed while disconnected was not sent later
    expect(events).toEqual(['disconnected', 'connected']);
    expect(caller.status()).toMatchObject({ state: 'connected', reconnects: 1 });

    await server.kill();
    await Promise.all([service.drain(), caller.drain()]); // while the server is down
    await server.remove();
  });
});

function connected(bus: Bus): Promise<void> {
  return new Promise((resolve) => {
    const stop = bus.onEvent((event) => {
      if (event.type === 'connected') {
        stop();
        resolve();
      }
    });
    if (bus.status().state === 'connected') {
      stop();
      resolve();
    }
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
