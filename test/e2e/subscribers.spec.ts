import { connect, type JsMsg, type NatsConnection } from 'nats';
import { BailiwickClient } from '@bailiwick/client/client';
import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { open } from './leases';

interface Connection {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly stream: string;
  readonly consumer: string;
  readonly inboxPrefix: string;
}

/** An ordinary NATS client with the printed settings; it shares no code with the installation. */
describe('a subscriber of the event stream', () => {
  let stack: Stack;
  let settings: Connection;
  beforeAll(async () => {
    stack = await Stack.start({ BAILIWICK_READERS: 'apart' });
    const added = await cli('--json', 'subscribers', 'add', 'siem');
    expect([added.code, added.err]).toEqual([0, '']);
    settings = JSON.parse(added.out) as Connection;
  }, 120_000);
  afterAll(() => stack.stop());

  const cli = (...args: string[]) => bailiwick(['--data', stack.dataDir, ...args]);
  const connectAs = ({ url, user, password, inboxPrefix }: Connection): Promise<NatsConnection> =>
    connect({ servers: url, user, pass: password, inboxPrefix, maxReconnectAttempts: -1, reconnectTimeWait: 100 });

  /** Reads and acknowledges until an event of this position arrives. */
  async function readTo(position: number): Promise<{ id: string; body: string }[]> {
    const client = await connectAs(settings);
    const read: { id: string; body: string }[] = [];
    try {
      const consumer = await client.jetstream({ timeout: 10_000 }).consumers.get(settings.stream, settings.consumer);
      while (read.at(-1)?.id !== `default/0:${position}`) {
        for await (const message of (await consumer.fetch({
          max_messages: 100,
          expires: 1_000,
        })) as AsyncIterable<JsMsg>) {
          read.push({ id: message.headers?.get('ce-id') ?? '', body: message.string() });
          await message.ackAck();
        }
      }
    } finally {
      await client.close();
    }
    return read;
  }

  it('receives every event of its tenant once and in order, across a kill of the server and of the ledger', async () => {
    const made = await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin, body: { id: 'acme' } });
    const acme = (made.body.keys as Record<string, string>).orchestrator as string;
    await open(new BailiwickClient({ url: stack.url, key: acme }));
    const { position: first } = await open(stack.as('orchestrator'));
    const before = await readTo(first);

    const { nats } = stack.status();
    process.kill(nats.pid, 'SIGKILL');
    await until('a new nats-server', () => {
      const { pid, state } = stack.status().nats;
      return pid !== nats.pid && state === 'running';
    });
    const pidOf = (service: string): number =>
      stack.status().services.find(({ name }) => name === service)?.pid as number;
    const monitor = pidOf('intent');
    process.kill(pidOf('ledger'), 'SIGKILL');
    let last = -1;
    await until('a lease after the kill', async () => {
      last = await open(stack.as('orchestrator')).then(
        ({ position }) => position,
        () => -1,
      );
      return last >= 0;
    });
    const after = await readTo(last);
    expect(pidOf('intent')).toBe(monitor); // the readers are apart

    const page = await stack.as('analyst').events({ after: -1, limit: 1_000, minPosition: last });
    const expected = page.items.filter((item) => item.position <= last);
    expect([...before, ...after].map(({ id }) => id)).toEqual(expected.map((item) => `default/0:${item.position}`));
    for (const [i, { body }] of [...before, ...after].entries())
      expect(JSON.parse(body)).toMatchObject({ position: i, type: expected[i]?.type });
  }, 120_000);

  it('can no longer connect after it was removed', async () => {
    expect((await cli('subscribers', 'list')).out).toContain('siem');
    expect(await cli('subscribers', 'remove', 'siem')).toMatchObject({ code: 0 });
    const refusal = (): Promise<string | undefined> =>
      connectAs(settings).then(
        (client) => client.close().then(() => undefined),
        (error: unknown) => (error as { code?: string }).code,
      );
    await until('the server to refuse its user', async () => (await refusal()) === 'AUTHORIZATION_VIOLATION');
    expect((await cli('subscribers', 'remove', 'siem')).err).toContain('no subscriber siem');
    expect((await cli('subscribers', 'add', 'Not A Name')).code).toBe(2);
  }, 60_000);

  it('is refused for a tenant that does not exist', async () => {
    const { code, err } = await cli('subscribers', 'add', 'siem', '--tenant', 'missing');
    expect([code, err]).toEqual([1, expect.stringContaining('Tenant missing not found')]);
    expect((await cli('subscribers', 'list')).out).not.toContain('missing');
  });

  it('is kept if several are added at the same time', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `concurrent-${i}`);
    const pids = stack.status().services.map(({ pid }) => pid);
    const made = await Promise.all(names.map((name) => cli('--json', 'subscribers', 'add', name)));
    expect(made.map(({ code, err }) => [code, err])).toEqual(names.map(() => [0, '']));
    expect(stack.status().services.map(({ pid }) => pid)).toEqual(pids); // no service was disturbed
    const { out } = await cli('subscribers', 'list');
    for (const name of names) expect(out).toContain(name);
    for (const { out: settingsOf } of made) {
      await until('the server to know the user', () =>
        connectAs(JSON.parse(settingsOf) as Connection).then(
          (client) => client.close().then(() => true),
          () => false,
        ),
      );
    }
  }, 60_000);
});
