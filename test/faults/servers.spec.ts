import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { databaseUrl, sql } from '../chaos/log';
import { Stack, until } from '../support/stack';
import { Permits } from './permits';

/** What two delegation processes stand on is taken away under load, and comes back. */
describe('the system, under load, when', () => {
  let stack: Stack;
  let permits: Permits;
  beforeAll(async () => {
    stack = await Stack.start({}, ['--delegations', '2']);
    permits = await Permits.under(stack);
    await permits.goOn();
  }, 120_000);
  afterAll(async () => {
    await permits.stop();
    await stack.stop();
  });

  const startedAgain = (name: 'postgres' | 'nats', before: number) =>
    until(`${name} to run again`, () => {
      const { pid, state } = stack.status()[name];
      return state === 'running' && pid !== before;
    });

  it('PostgreSQL drops every connection, again and again: goes on by itself', async () => {
    for (let i = 0; i < 5; i++) {
      await sql(
        databaseUrl(stack),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'bailiwick%'",
      );
      await permits.goOn(10);
    }
  }, 60_000);

  it('PostgreSQL is killed and starts again: goes on by itself', async () => {
    const { pid } = stack.status().postgres;
    process.kill(pid, 'SIGKILL');
    await startedAgain('postgres', pid);
    await permits.goOn();
  }, 60_000);

  it('PostgreSQL answers nothing for longer than a lease: goes on by itself', async () => {
    const { pid } = stack.status().postgres;
    const connected = (like: string) =>
      sql<{ pid: number }>(
        databaseUrl(stack),
        `SELECT pid FROM pg_stat_activity WHERE application_name LIKE '${like}'`,
      );
    // it has just started: a connection that is made after the others are stopped would go on
    await until('both to beat again', async () => (await connected('bailiwick-leases')).length === 2);
    const backends = await connected('bailiwick%');
    const all = [pid, ...backends.map((each) => each.pid)];
    const late = (): number =>
      readFileSync(join(stack.dataDir, 'logs', 'delegation.log'), 'utf8').split('leases could not be renewed').length;
    const before = late();
    for (const each of all) process.kill(each, 'SIGSTOP');
    await until('two heartbeats to fail', () => late() >= before + 2).finally(() => {
      for (const each of all) process.kill(each, 'SIGCONT');
    });
    await permits.goOn();
  }, 60_000);

  it('NATS is killed, and starts again with nothing in its store: goes on by itself, and who follows misses nothing', async () => {
    const { pid } = stack.status().nats;
    process.kill(pid, 'SIGSTOP'); // so that it is not started again before its store is gone
    rmSync(join(stack.dataDir, 'nats', 'store'), { recursive: true });
    process.kill(pid, 'SIGKILL');
    await startedAgain('nats', pid);
    await permits.goOn();
    const path = `/v1/actions?limit=1&minPosition=${permits.position}`;
    const has = async (): Promise<boolean> => (await stack.as('analyst').raw(path)).status === 200;
    await until('the read models to have it all', has);
  }, 60_000);

  it('all of that has happened: what was answered is written, and what was written is answered', async () => {
    expect(await permits.end()).toEqual([]);
  }, 60_000);
});
