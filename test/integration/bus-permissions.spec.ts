import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, natsOf, type Bus, type BusEvent } from '@bailiwick/messaging/connect';
import { EVENT_STREAM } from '@bailiwick/messaging/event-stream/event-message';
import { announceCommit, subjectSource } from '@bailiwick/messaging/commit-notifications';
import { followLog } from '@bailiwick/messaging/log-follower/follow-log';
import { enforcedSubject, FREED, OWNED } from '@bailiwick/messaging/subjects';
import { natsConfig } from '@bailiwick/platform/local-servers/nats';
import { TestNatsServer } from './bus-server';

const SERVICES = ['gateway', 'delegation', 'intent', 'ledger', 'boundary'] as const;
const LOG = 'default/0';
const TIME = '2026-01-01T00:00:00.000Z';
const event = { log: LOG, position: 0, type: 'RunOpened', time: TIME, body: '{}' };
const commit = (n: number) => ({ log: LOG, from: n, next: n + 1, time: TIME });

describe("the bus within each service's permissions", () => {
  let server: TestNatsServer;
  let dir: string;
  const bus = {} as Record<(typeof SERVICES)[number], Bus>;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bailiwick-nats-'));
    const users = Object.fromEntries([...SERVICES, 'operator'].map((name) => [name, `${name}-secret`]));
    const config = natsConfig({ host: '127.0.0.1', port: 0, dir }, users);
    server = await TestNatsServer.start(config.slice(config.indexOf('accounts')));
    for (const name of SERVICES) {
      bus[name] = await connectBus({
        url: server.url,
        user: name,
        pass: users[name],
        name,
        inboxPrefix: `_INBOX.${name}`,
      });
    }
  });
  afterAll(async () => {
    await Promise.all(SERVICES.map((name) => bus[name].drain()));
    await server.remove();
    await rm(dir, { recursive: true });
  });

  it('lets the owner announce commits, and the monitor, the ledger and the gateway receive them', async () => {
    for (const [name, source] of [
      ['intent', subjectSource(bus.intent)],
      ['ledger', subjectSource(bus.ledger)],
      ['gateway', subjectSource(bus.gateway)],
    ] as const) {
      const problems: BusEvent[] = [];
      const unlisten = bus[name].onEvent((problem) => problems.push(problem));
      let gaps = 0;
      let heard = (): void => undefined;
      const arrived = new Promise<void>((resolve) => (heard = resolve));
      const subscription = source.subscribe(LOG, { head: () => heard(), gap: () => (gaps += 1) });
      await until(() => gaps > 0);
      await bus[name].ping(5_000);
      expect(announceCommit(bus.delegation, commit(SERVICES.indexOf(name))).ok).toBe(true);
      await arrived;
      await subscription.stop();
      await bus[name].ping(5_000);
      unlisten();
      expect(problems).toEqual([]);
    }
  });

  it('lets the gateway send requests and the owner answer them', async () => {
    bus.delegation.serve('bailiwick.command.default.0', () => 'done');
    await bus.delegation.ping(5_000);
    expect(await bus.gateway.request('bailiwick.command.default.0', {}, 5_000)).toEqual({ ok: true, value: 'done' });
  });

  it('lets only owners announce the ownership of logs, to each other and to the gateway', async () => {
    const heard: string[] = [];
    const stops = [
      bus.gateway.listen(OWNED, () => heard.push('gateway')),
      bus.delegation.listen(FREED, () => heard.push('delegation')),
    ];
    await Promise.all([bus.gateway.ping(5_000), bus.delegation.ping(5_000)]);
    for (const name of ['gateway', 'intent', 'ledger'] as const) {
      const problems: BusEvent[] = [];
      const unlisten = bus[name].onEvent((problem) => problems.push(problem));
      bus[name].publish(OWNED, { log: LOG });
      bus[name].publish(FREED, {});
      await until(() => problems.length === 2);
      unlisten();
    }
    bus.delegation.publish(OWNED, { log: LOG });
    bus.delegation.publish(FREED, {});
    await until(() => heard.length === 2);
    expect(heard.sort()).toEqual(['delegation', 'gateway']);
    for (const stop of stops) stop();
  });

  it('lets only the boundary report what it enforces, and only the gateway hear it', async () => {
    const heard: unknown[] = [];
    const subject = enforcedSubject('boundary');
    const stop = bus.gateway.listen(subject, (report) => heard.push(report));
    await bus.gateway.ping(5_000);
    for (const name of ['gateway', 'intent', 'ledger', 'delegation'] as const) {
      const problems: BusEvent[] = [];
      const unlisten = bus[name].onEvent((problem) => problems.push(problem));
      bus[name].publish(subject, name);
      if (name !== 'gateway') bus[name].listen(subject, () => heard.push(`to ${name}`));
      await until(() => problems.length === (name === 'gateway' ? 1 : 2));
      unlisten();
    }
    const problems: BusEvent[] = [];
    const unlisten = bus.boundary.onEvent((problem) => problems.push(problem));
    bus.boundary.publish(enforcedSubject('owner'), 'boundary');
    await until(() => problems.length === 1);
    unlisten();
    bus.boundary.publish(subject, 'boundary');
    await until(() => heard.length > 0);
    expect(heard).toEqual(['boundary']);
    stop();
  });

  it.each([
    ['ledger', 'delegation', 'bailiwick.admin.secret'],
    ['gateway', 'intent', 'bailiwick.intent.score'],
  ] as const)('refuses requests of %s to %s at once, and no handler runs', async (asker, server, subject) => {
    let ran = 0;
    bus[server].serve(subject, () => (ran += 1));
    await bus[server].ping(5_000);
    expect(await bus[asker].request(subject, {}, 5_000)).toMatchObject({
      ok: false,
      error: { code: 'NOT_ALLOWED', mayHaveRun: false },
    });
    expect(ran).toBe(0);
  });

  it('refuses announcements without permission, while a follower without permission still polls the log', async () => {
    const problems: BusEvent[] = [];
    const unlisten = bus.ledger.onEvent((problem) => problems.push(problem));
    announceCommit(bus.ledger, commit(9));
    await until(() => problems.length === 1);
    unlisten();
    let handled = 0;
    const follower = followLog({
      log: LOG,
      source: subjectSource(bus.ledger),
      read: async (_log, from) => (from === 0 ? [event] : []),
      start: 0,
      handle: async (batch) => void (handled = batch.next),
      pollMs: 10,
    });
    await until(() => handled === 1);
    await follower.stop();
  });

  describe('lets no service that serves requests use the JetStream API', () => {
    const onto = 'bailiwick.command.default.0';
    const push = {
      stream_name: EVENT_STREAM,
      config: { name: 'x', durable_name: 'x', deliver_subject: onto, ack_policy: 'none' },
    };
    const forward = {
      name: 'FORWARD',
      subjects: ['bailiwick.drift.>'],
      republish: { src: '>', dest: onto },
      storage: 'memory',
    };
    const ASKED: [string, object][] = [
      [`$JS.API.CONSUMER.CREATE.${EVENT_STREAM}`, push],
      [`$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.x`, push],
      [`$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.x.bailiwick.event.default.0`, push],
      [`$JS.API.CONSUMER.DURABLE.CREATE.${EVENT_STREAM}.x`, push],
      [`$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.x`, { batch: 1 }],
      [`$JS.API.STREAM.CREATE.FORWARD`, forward],
      [`$JS.API.STREAM.CREATE.${EVENT_STREAM}`, { ...forward, name: EVENT_STREAM }],
      [`$JS.API.STREAM.UPDATE.${EVENT_STREAM}`, { ...forward, name: EVENT_STREAM }],
      [`$JS.API.STREAM.MSG.GET.${EVENT_STREAM}`, { seq: 1 }],
      [`$JS.API.DIRECT.GET.${EVENT_STREAM}`, { seq: 1 }],
      [`$JS.API.STREAM.DELETE.${EVENT_STREAM}`, {}],
      ['$JS.API.INFO', {}],
      ['$KV.x.y', {}],
      [onto, { commands: [] }],
      ['$SYS.REQ.SERVER.PING', {}],
    ];
    it.each(
      (['intent', 'ledger'] as const).flatMap((name) => ASKED.map(([subject, body]) => [name, subject, body] as const)),
    )('%s is refused %s', async (name, subject, body) => {
      expect(await bus[name].request(subject, body, 5_000)).toMatchObject({
        ok: false,
        error: { code: 'NOT_ALLOWED' },
      });
    });
    it.each(ASKED.filter(([subject]) => subject !== onto))('the gateway is refused %s', async (subject, body) => {
      expect(await bus.gateway.request(subject, body, 5_000)).toMatchObject({
        ok: false,
        error: { code: 'NOT_ALLOWED' },
      });
    });
  });

  it('ignores a request whose reply subject is a request subject of another service', async () => {
    let ran = 0;
    const forged: unknown[] = [];
    const errors: unknown[] = [];
    const servings = [
      bus.delegation.serve('bailiwick.drift.default.7', () => ({ ran: (ran += 1) }), {
        onError: (error) => errors.push(error),
      }),
      bus.delegation.serve('bailiwick.command.default.7', (raw) => forged.push(raw), {
        onError: (error) => errors.push(error),
      }),
    ];
    await bus.delegation.ping(5_000);
    natsOf(bus.intent).nats.publish('bailiwick.drift.default.7', '{}', { reply: 'bailiwick.command.default.7' });
    await until(() => errors.length > 0);
    await bus.delegation.ping(5_000);
    expect([ran, forged]).toEqual([0, []]);
    for (const serving of servings) await serving.stop();
  });

  it('reports a subject that the server refuses to serve', async () => {
    const errors: unknown[] = [];
    bus.gateway.serve('bailiwick.command.default.0', () => 'forged', { onError: (error) => errors.push(error) });
    await until(() => errors.length > 0);
    expect(String(errors[0])).toContain('Permissions Violation');
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
