import { Client } from 'pg';
import type { Event } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import { databaseUrl, readLog, sql } from '../chaos/log';
import { open, read, WIDE } from '../e2e/leases';
import { http, Stack, until } from '../support/stack';

/** Longer than any request waits, so every request times out during the pause. */
const PAUSE_MS = LIMITS.commandTimeoutMs + 2_000;

/** Requests without an Idempotency-Key whose commands are held up between the gateway and the disk until they expire. */
describe('a request that was answered 503', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  const post = (role: string, path: string, body: unknown = {}) =>
    http(stack, 'POST', path, { key: stack.keys[role] as string, body });
  const events = async (): Promise<Event[]> => (await readLog(stack)).map(({ event }) => event);

  /** Sends requests of every kind at once during a pause; checks that each gets 503 and only the revocation takes effect. */
  async function expectNoneExecuted(pause: () => Promise<() => Promise<void>>, tenants = true): Promise<void> {
    const { run, grant } = await open(stack.as('orchestrator'));
    const acting = (await post('enforcer', '/v1/actions', read(grant.id))).body;
    expect(acting).toMatchObject({ decision: 'permit' });
    const doomed = await open(stack.as('orchestrator'));
    const before = (await events()).length;
    const agent = { class: 'tester', posture: { model: 'm', modelVersion: '2026-06', environment: 'test' } };
    const root = { agent, requestedBy: 'user:o@example.com', purpose: 'Tidy', grant: WIDE };
    const resume = await pause();
    const sent = [
      post('enforcer', '/v1/actions', read(grant.id)),
      post('enforcer', '/v1/actions', { ...read(grant.id), action: { verb: 'payment.make' }, cost: { USD: 5 } }),
      post('enforcer', '/v1/actions:batch', { actions: [read(grant.id, 'a'), read(grant.id, 'b')] }),
      post('enforcer', `/v1/actions/${acting.actionId as string}/outcome`, { status: 'completed' }),
      post('orchestrator', `/v1/grants/${grant.id}/delegations`, { agent, task: 'Read', grant: {} }),
      post('orchestrator', '/v1/runs', root),
      post('orchestrator', `/v1/runs/${run.id}/completion`),
      post('orchestrator', '/v1/runs', { ...root, requireApproval: true }),
      ...(tenants ? [post('admin', '/v1/tenants', { id: `late-${before}` })] : []),
    ];
    const revocation = post('responder', `/v1/grants/${doomed.grant.id}/revocation`, { reason: 'it is over' });
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    const since = Date.now();
    await revocation;
    await until('the pause to be over', () => Date.now() - since > PAUSE_MS - LIMITS.commandTimeoutMs);
    await resume();
    await until(
      'the system to decide again',
      async () => (await post('enforcer', '/v1/actions', read(grant.id, 'after'))).status === 200,
    );
    // any command that was held up has run by now or never will; only a revocation may run late
    const committed = (await events()).slice(before);
    expect(
      committed
        .filter(
          ({ type, grantId }) => !['GrantRevoked', 'DriftScored', 'Refused'].includes(type) && grantId !== undefined,
        )
        .map(({ type, data }) => [type, 'resource' in data ? data.resource : undefined]),
    ).toEqual([['ActionPermitted', expect.objectContaining({ id: 'after' })]]);
    expect(committed.filter(({ type }) => type === 'RunOpened' || type === 'RunCompleted')).toEqual([]);
    expect(await sql(databaseUrl(stack), 'SELECT name FROM log WHERE tenant = $1', [`late-${before}`])).toEqual([]);
    expect(statuses).toEqual(sent.map(() => 503));
  }

  const stop = (pids: readonly number[]) => (): Promise<() => Promise<void>> => {
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    return Promise.resolve(() => {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
      return Promise.resolve();
    });
  };
  const owner = (): number => stack.status().services.find(({ name }) => name.startsWith('delegation'))?.pid as number;

  it('is never executed by an owner that was stopped (issue 13.13)', () => expectNoneExecuted(stop([owner()])), 90_000);

  it('is never executed after the bus was stopped', () => expectNoneExecuted(stop([stack.status().nats.pid])), 90_000);

  it(
    'is never written by a database whose table was locked',
    () =>
      expectNoneExecuted(async () => {
        const client = new Client({ connectionString: databaseUrl(stack) });
        await client.connect();
        await client.query('BEGIN;');
        await client.query('LOCK TABLE event IN EXCLUSIVE MODE');
        return async () => {
          await client.query('ROLLBACK');
          await client.end();
        };
      }, false), // the lock does not cover the table of logs
    90_000,
  );
});
