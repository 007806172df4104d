import { BailiwickClient } from '@bailiwick/client/client';
import { databaseUrl, LOG, sql } from '../chaos/log';
import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { open } from './leases';

/** Removes an event from the database: the events after it cannot be folded (issue 13.0). */
describe('a log that cannot be loaded', () => {
  let stack: Stack;
  let acme: BailiwickClient;
  beforeAll(async () => {
    stack = await Stack.start();
    const made = await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin, body: { id: 'acme' } });
    acme = new BailiwickClient({ url: stack.url, key: (made.body.keys as { orchestrator: string }).orchestrator });
    for (const client of [stack.as('orchestrator'), acme]) for (let i = 0; i < 3; i++) await open(client);
  }, 120_000);
  afterAll(() => stack.stop());

  it('is refused with 503 and reported, and the logs of other tenants are served', async () => {
    await sql(databaseUrl(stack), 'ALTER TABLE event DISABLE TRIGGER ALL');
    await sql(databaseUrl(stack), 'DELETE FROM event WHERE log = $1 AND position = 1', [LOG]);
    const owner = stack.status().services.find(({ name }) => name === 'delegation');
    process.kill(owner?.pid as number, 'SIGKILL');

    const ready = () => http(stack, 'GET', '/readyz');
    const isReported = async () => ((await ready()).body.problems as { 'not-loaded'?: number })?.['not-loaded'] === 1;
    await until('readyz to report the log', isReported, 60_000);
    expect((await ready()).status).toBe(503);
    const metrics = await http(stack, 'GET', '/metrics', { key: stack.keys.analyst });
    expect(String(metrics.body.text)).toContain('bailiwick_logs_not_loaded 1');
    const status = await bailiwick(['--data', stack.dataDir, 'status']);
    expect(status.out).toContain('1 × not-loaded'); // a number only: names of tenants are not public

    const asked = await http(stack, 'POST', '/v1/runs', {
      key: stack.keys.orchestrator,
      body: { agent: { class: 'x' }, requestedBy: 'user:ada@example.com', purpose: 'x', grant: {} },
    });
    expect([asked.status, asked.body.code, asked.headers.get('retry-after')]).toEqual([
      503,
      'NOT_READY',
      expect.any(String) as string,
    ]);
    expect((await open(acme)).run.status).toBe('active');
  }, 120_000);
});
