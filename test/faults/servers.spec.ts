import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { databaseUrl, sql } from '../chaos/log';
import { Stack, until } from '../support/stack';
import { Permits } from './permits';

/** Interrupts the servers that two delegation processes depend on, under load. */
describe('the system under load', () => {
  let stack: Stack;
  let permits: Permits;
  beforeAll(async () => {
    stack = await Stack.start({}, ['--delegations', '2']);
    permits = await Permits.under(stack);
    await permits.waitForPermits();
  }, 120_000);
  afterAll(async () => {
    await permits.stop();
    await stack.stop();
  });

  const restarted = (name: 'postgres' | 'nats', before: number) =>
    until(`${name} to run again`, () => {
      const { pid, state } = stack.status()[name];
      return state === 'running' && pid !== before;
    });

  it('recovers each time PostgreSQL drops every connection', async () => {
    for (let i = 0; i < 5; i++) {
      await sql(
        databaseUrl(stack),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'bailiwick%'",
      );
      await permits.waitForPermits(10);
    }
  }, 60_000);

  it('recovers after PostgreSQL is killed and restarts', async () => {
    const { pid } = stack.status().postgres;
    process.kill(pid, 'SIGKILL');
    await restarted('postgres', pid);
    await permits.waitForPermits();
  }, 60_000);

  it('recovers after PostgreSQL does not respond for longer than a log lease', async () => {
    const { pid } = stack.status().postgres;
    const connected = (like: string) =>
      sql<{ pid: number }>(
        databaseUrl(stack),
        `SELECT pid FROM pg_stat_activity WHERE application_name LIKE '${like}'`,
      );
    // PostgreSQL has just restarted: a connection opened after the others are stopped would not be stopped itself
    await until('both to renew their leases again', async () => (await connected('bailiwick-leases')).length === 2);
    const backends = await connected('bailiwick%');
    const all = [pid, ...backends.map((each) => each.pid)];
    const failedRenewals = (): number =>
      readFileSync(join(stack.dataDir, 'logs', 'delegation.log'), 'utf8').split('leases could not be renewed').length;
    const before = failedRenewals();
    for (const each of all) process.kill(each, 'SIGSTOP');
    await until('two heartbeats to fail', () => failedRenewals() >= before + 2).finally(() => {
      for (const each of all) process.kill(each, 'SIGCONT');
    });
    await permits.waitForPermits();
  }, 60_000);

  it('recovers after NATS is killed and restarts with an empty store, and followers miss no event', async () => {
    const { pid } = stack.status().nats;
    process.kill(pid, 'SIGSTOP'); // so that it does not restart before its store is removed
    rmSync(join(stack.dataDir, 'nats', 'store'), { recursive: true });
    process.kill(pid, 'SIGKILL');
    await restarted('nats', pid);
    await permits.waitForPermits();
    const path = `/v1/actions?limit=1&minPosition=${permits.position}`;
    const has = async (): Promise<boolean> => (await stack.as('analyst').raw(path)).status === 200;
    await until('the read models to be complete', has);
  }, 60_000);

  it('has written exactly the permits that it answered, after all of these interruptions', async () => {
    expect(await permits.end()).toEqual([]);
  }, 60_000);
});
