import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { open, read } from './leases';

const ready = async (stack: Stack): Promise<number | undefined> =>
  (await http(stack, 'GET', '/readyz').catch(() => undefined))?.status;

describe('a server that dies under the running system', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  it.each(['postgres', 'nats'] as const)(
    '%s: /readyz reports it, it is restarted with its data, and no acknowledged command is lost',
    async (name) => {
      const { grant } = await open(stack.as('orchestrator'));
      expect((await stack.as('enforcer').act(read(grant.id))).decision).toBe('permit');
      expect(await ready(stack)).toBe(200);
      const before = stack.status()[name];
      expect(before).toMatchObject({ state: 'running', restarts: 0 });

      process.kill(before.pid, 'SIGKILL');
      await until('/readyz to report it', async () => (await ready(stack)) === 503);
      await until(`${name} to run again`, () => stack.status()[name].state === 'running');
      await until('everything to answer', async () => (await ready(stack)) === 200, 40_000);

      const after = stack.status()[name];
      expect(after.url).toBe(before.url);
      expect(after.pid).not.toBe(before.pid);
      expect(after.restarts).toBeGreaterThan(0);
      const shown = await bailiwick(['--data', stack.dataDir, '--json', 'status']);
      expect(JSON.parse(shown.out)).toMatchObject({ [name]: after });

      expect((await stack.as('analyst').grant(grant.id)).consumed.calls).toBe(1);
      expect((await stack.as('enforcer').act(read(grant.id))).decision).toBe('permit');
      expect((await bailiwick(['--data', stack.dataDir, 'log', 'verify'])).code).toBe(0);
    },
    90_000,
  );

  it('stays down after Ctrl-C, even if it was killed just before', async () => {
    const { postgres, nats } = stack.status();
    process.kill(postgres.pid, 'SIGKILL');
    process.kill(nats.pid, 'SIGKILL');
    expect(await stack.down('SIGINT')).toBe(0);
    expect(existsSync(join(stack.dataDir, 'run.json'))).toBe(false);
    // the process ids that the servers record
    const place = readFileSync(join(stack.dataDir, 'postgres-place'), 'utf8').trim();
    for (const file of [join(place, 'postmaster.pid'), join(stack.dataDir, 'nats', 'nats.pid')]) {
      const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
      if (pid > 0) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    }
  }, 60_000);
});
