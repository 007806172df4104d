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

/** Three processes share the logs of four tenants; the one that owns the log under load is treated badly. */
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
  /** log → process that owns it */
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
  /** each has one log at least, and none more than two */
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

  const told = (instances: number) =>
    until(`/readyz to tell ${instances} of them`, async () => {
      const { status, body } = await http(stack, 'GET', '/readyz');
      return status === 200 && (body.instances as { delegation?: number }).delegation === instances;
    });

  it('has its share of the logs', shared, 40_000);

  it('that is killed is followed by another, and its successor gets its share', async () => {
    const killed = await ownerOf(LOG);
    await permits.goOn();
    process.kill(killed, 'SIGKILL');
    await permits.goOn();
    await movedFrom(killed);
    await shared();
    await permits.goOn();
  }, 60_000);

  it('that was stopped answers nothing when it wakes up, neither what waits for it nor what it had begun', async () => {
    const stopped = await ownerOf(LOG);
    const { grant } = await open(stack.as('orchestrator'));
    const inbox = createInbox('_INBOX.gateway');
    const heard: string[] = [];
    nats.subscribe(`${inbox}.*`, { callback: (_error, msg) => heard.push(msg.string()) });
    let asked = 0;
    const ask = (subject: string, body: object): void =>
      nats.publish(`bailiwick.${subject}.default.0`, JSON.stringify(body), { reply: `${inbox}.${asked++}` });
    process.kill(stopped, 'SIGSTOP');
    try {
      await permits.goOn();
      await movedFrom(stopped);
      await stack.as('responder').revoke(grant.id, 'it is over');
      // the stopped process holds all of these, too, and reads them before its own timers
      for (let i = 0; i < 50; i++) ask('query', { op: 'grant', log: LOG, id: grant.id });
      ask('command', { commands: 'no list' });
      await until('the new owner to answer', () => heard.length === 51);
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
    await permits.goOn();
    // it has a share of the logs again: so it has come to all that waited for it
    await shared();
    expect(heard).toHaveLength(51);
    const said = heard.map((text) => JSON.parse(text) as { value?: { status: string }; answers?: unknown });
    expect(said.filter(({ value }) => value?.status === 'revoked')).toHaveLength(50);
    expect(said.filter(({ answers }) => answers !== undefined)).toHaveLength(1);
  }, 60_000);

  it('that is asked to stop hands its logs over, and no request fails for it', async () => {
    const stopped = await ownerOf(LOG);
    await permits.goOn();
    const { refused } = permits;
    process.kill(stopped, 'SIGTERM');
    await permits.goOn();
    await movedFrom(stopped);
    await shared();
    expect(permits.refused).toBe(refused);
  }, 60_000);

  it('that joins gets its share; without NATS, or without PostgreSQL, the others have it; and back again', async () => {
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
    const gone = once(child, 'exit');
    const owns = async (): Promise<boolean> => [...(await owners()).values()].includes(child.pid as number);
    try {
      await until('it to have a log', owns);
      await told(4);
      for (const wire of wires) {
        wire.cut();
        await until('the others to have all', async () => (await owners()).size === 4 && !(await owns()));
        await told(3);
        await permits.goOn();
        wire.mend();
        await until('it to have a log again', owns);
        await permits.goOn();
      }
    } finally {
      child.kill('SIGTERM');
      await gone;
      for (const wire of wires) await wire.close();
    }
    await shared();
  }, 90_000);

  it('has through all of it written what was answered, and answered what was written', async () => {
    expect(await permits.end()).toEqual([]);
  }, 60_000);
});
