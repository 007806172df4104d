import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { LIMITS } from '@bailiwick/core/limits';
import { readLog } from '../chaos/log';
import { open, read } from '../e2e/leases';
import { http, Stack, until } from '../support/stack';
import { setClock as setCopyClock, startCopyOf } from './stepped-process';

const HOUR_MS = 3_600_000;

/** Replaces the delegation process that the system started with one whose wall clock the test can move. */
describe('a delegation process whose clock steps', () => {
  let stack: Stack;
  let stepped: ChildProcess;
  let original: number;

  beforeAll(async () => {
    stack = await Stack.start();
    original = stack.status().services.find(({ name }) => name.startsWith('delegation'))?.pid as number;
    stepped = startCopyOf(original);
    process.kill(original, 'SIGSTOP');
  }, 120_000);
  afterAll(async () => {
    const ended = once(stepped, 'exit');
    stepped.kill('SIGTERM');
    await ended;
    process.kill(original, 'SIGCONT');
    await stack.stop();
  });

  const setClock = (aheadMs: number): Promise<void> => setCopyClock(stepped, aheadMs);
  const ask = (grantId: string) =>
    http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer as string, body: read(grantId) });

  it('decides no action while its clock is an hour behind the log, but still revokes', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const { grant: other } = await open(stack.as('orchestrator'));
    expect((await ask(grant.id)).status).toBe(200);
    await setClock(-HOUR_MS);
    const refused = await ask(grant.id);
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      503,
      expect.stringMatching(/the clock of this service is \d+ s behind/),
    ]);
    const revoked = await http(stack, 'POST', `/v1/grants/${other.id}/revocation`, {
      key: stack.keys.responder as string,
      body: { reason: 'its clock is wrong' },
    });
    expect(revoked.status).toBe(200);
    await setClock(0);
    expect((await ask(grant.id)).body).toMatchObject({ decision: 'permit' });
    expect((await ask(other.id)).body).toMatchObject({ decision: 'deny' });
  }, 60_000);

  it('continues if its clock steps back by less than the tolerance, and event times never decrease', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    for (const behind of [0, LIMITS.clockBackMs / 4, LIMITS.clockBackMs / 2, 0]) {
      await setClock(-behind);
      expect((await ask(grant.id)).body).toMatchObject({ decision: 'permit' });
    }
    const times = (await readLog(stack)).map(({ event }) => event.time);
    expect(times).toEqual([...times].sort());
  }, 60_000);

  it('expires grants when its clock steps ahead, and decides nothing after the clock steps back', async () => {
    const { grant } = await open(stack.as('orchestrator'), { time: { ttl: '30m' } });
    await setClock(HOUR_MS);
    expect((await ask(grant.id)).body).toMatchObject({ decision: 'deny' });
    await setClock(0);
    await until(
      'decisions to stop while the clock is behind the log',
      async () => (await ask(grant.id)).status === 503,
    );
  }, 60_000);
});
