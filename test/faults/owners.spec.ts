import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { connect, createInbox, type NatsConnection } from 'nats';
import { databaseUrl, LOG, sql } from '../chaos/log';
import { open } from '../e2e/leases';
import { wireTo } from '../support/eventlog-wire';
import { http, Stack, until } from '../support/stack';
import { Permits } from './permits';

const TENANTS = ['red', 'green', 'blue'];

/** Three processes share the logs of four tenants; the tests disturb the one that owns the log under load. */
describe('a delegation process', () => {
  let stack: Stack;
  let permits: Permits;
  let nats: NatsConnection;

  beforeAll(async () => {
    stack = await Stack.start({}, ['--delegations', '3']);
    for (const id of TENANTS)
      await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin as string, body: { id } });
    permits = await Permits.under(stack);
    const { url } = stack.status().nats;
    const pass = secrets().nats.gateway;
    nats = await connect({ servers: url, user: 'gateway', pass, inboxPrefix: '_INBOX.gateway' });
  }, 120_000);
  afterAll(async () => {
    await permits.stop();
    await nats.close();
    await stack.stop();
  });

  const secrets = (): Record<'nats' | 'database', Record<string, string>> =>
    JSON.parse(readFileSync(join(stack.dataDir, 'secrets.json'), 'utf8')) as never;
  /** log → PID of its owner */
  const owners = async (): Promise<Map<string, number>> => {
    const rows = await sql<{ name: string; owner: string }>(
      databaseUrl(stack),
      'SELECT log.name, log_owner.name AS owner FROM log JOIN log_owner ON log_owner.name = lease_owner WHERE until > now()',
    );
    return new Map(rows.map(({ name, owner }) => [name, Number(owner.split('/')[1])]));
  };
  const ownerOf = async (log: string): Promise<number> => (await owners()).get(log) as number;
  const movedFrom = (pid: number) =>
    until('another owner', async () => ![undefined, pid].includes((await owners()).get(LOG)));
  /** waits until each process owns one or two logs */
  const shared = () =>
    until(
      'the logs to be shared',
      async () => {
        const held = [...(await owners()).values()];
        const each = stack
          .status()
          .services.filter(({ name }) => name.startsWith('delegation'))
          .map(({ pid }) => held.filter((owner) => owner === pid).length);
        return held.length === 1 + TENANTS.length && each.length === 3 && each.every((n) => n === 1 || n === 2);
      },
      30_000,
    );

  const reported = (instances: number) =>
    until(`/readyz to report ${instances} instances`, async () => {
      const { status, body } = await http(stack, 'GET', '/readyz');
      return status === 200 && (body.instances as { delegation?: number }).delegation === instances;
    });

  it('owns its share of the logs', shared, 40_000);

  it('hands over to another one when it is killed, and its replacement gets its share of the logs', async () => {
    const killed = await ownerOf(LOG);
    await permits.waitForPermits();
    process.kill(killed, 'SIGKILL');
    await permits.waitForPermits();
    await movedFrom(killed);
    await shared();
    await permits.waitForPermits();
  }, 60_000);

  it('answers no request after it was stopped and continued, neither a waiting one nor one that it had started', async () => {
    const stopped = await ownerOf(LOG);
    const { grant } = await open(stack.as('orchestrator'));
    const inbox = createInbox('_INBOX.gateway');
    const replies: string[] = [];
    nats.subscribe(`${inbox}.*`, { callback: (_error, msg) => replies.push(msg.string()) });
    let sent = 0;
    const ask = (subject: string, body: object): void =>
      nats.publish(`bailiwick.${subject}.default.0`, JSON.stringify(body), { reply: `${inbox}.${sent++}` });
    process.kill(stopped, 'SIGSTOP');
    try {
      await permits.waitForPermits();
      await movedFrom(stopped);
      await stack.as('responder').revoke(grant.id, 'it is over');
      // the stopped process also receives these and reads them before its timers fire
      for (let i = 0; i < 50; i++) ask('query', { op: 'grant', log: LOG, id: grant.id });
      ask('command', { commands: 'no list' });
      await until('the new owner to answer', () => replies.length === 51);
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
    await permits.waitForPermits();
    // it owns a share of the logs again, so it has processed everything that waited for it
    await shared();
    expect(replies).toHaveLength(51);
    const results = replies.map((text) => JSON.parse(text) as { value?: { status: string }; answers?: unknown });
    expect(results.filter(({ value }) => value?.status === 'revoked')).toHaveLength(50);
    expect(results.filter(({ answers }) => answers !== undefined)).toHaveLength(1);
  }, 60_000);

  it('hands its logs over when it is asked to stop, without a failed request', async () => {
    const stopped = await ownerOf(LOG);
    await permits.waitForPermits();
    const { refused } = permits;
    process.kill(stopped, 'SIGTERM');
    await permits.waitForPermits();
    await movedFrom(stopped);
    await shared();
    expect(permits.refused).toBe(refused);
  }, 60_000);

  it('gets its share when it joins, loses it to the others without NATS or PostgreSQL, and regains it after', async () => {
    const { delegation } = secrets().nats;
    const wires = [await wireTo(databaseUrl(stack)), await wireTo(stack.status().nats.url)] as const;
    const database = new URL(wires[0].url);
    database.username = 'bailiwick_delegation';
    database.password = secrets().database.delegation as string;
    const child = spawn(process.execPath, [...BUILT_FLAGS, resolve('apps/delegation/dist/main.js')], {
      env: {
        BAILIWICK_DATABASE_URL: database.toString(),
        BAILIWICK_NATS_URL: wires[1].url,
        BAILIWICK_NATS_USER: 'delegation',
        BAILIWICK_NATS_PASSWORD: delegation as string,
      },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    const owns = async (): Promise<boolean> => [...(await owners()).values()].includes(child.pid as number);
    try {
      await until('it to own a log', owns);
      await reported(4);
      for (const wire of wires) {
        wire.cut();
        await until('the others to own all logs', async () => (await owners()).size === 4 && !(await owns()));
        await reported(3);
        await permits.waitForPermits();
        wire.mend();
        await until('it to own a log again', owns);
        await permits.waitForPermits();
      }
    } finally {
      child.kill('SIGTERM');
      await exited;
      for (const wire of wires) await wire.close();
    }
    await shared();
  }, 90_000);

  it('has written exactly the permits that it answered, after all of these disturbances', async () => {
    expect(await permits.end()).toEqual([]);
  }, 60_000);
});
