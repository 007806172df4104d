import type { AddressInfo } from 'node:net';
import type { EnforcementMetrics } from '../enforcement/enforcement-metrics';
import { keyOf, startGateway } from '../testing/gateway';
import { MetricsListener } from './metrics-listener';
import type { ReadinessProbe } from './readiness';
import { WebhookMetrics } from './webhook-metrics';

const readiness = { check: () => Promise.resolve({ problems: {} }) } as unknown as ReadinessProbe;
const totals = { delivered: 7, failed: 3, dead: 2, disabled: 1, failing: 4 };
const webhooks = new WebhookMetrics({
  request: () => Promise.resolve({ ok: true, value: { ok: true, value: totals } }),
} as never);

const enforcement = { update: () => undefined } as EnforcementMetrics;

describe('the metrics', () => {
  it('are served without a key at the configured address, and nothing else is', async () => {
    const listener = new MetricsListener({ metrics: { host: '127.0.0.1', port: 0 } }, readiness, webhooks, enforcement);
    await listener.onApplicationBootstrap();
    const { port } = listener.address as AddressInfo;
    const at = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
    const found = await at('/metrics');
    const text = await found.text();
    expect([found.status, text]).toEqual([200, expect.stringContaining('bailiwick_')]);
    for (const line of [
      'webhook_attempts{result="delivered"} 7',
      'webhook_attempts{result="failed"} 3',
      'webhook_dead_letters 2',
      'webhooks_not_delivering{state="disabled"} 1',
      'webhooks_not_delivering{state="failing"} 4',
    ])
      expect(text).toContain(`bailiwick_${line}\n`);
    for (const wrong of [at('/'), at('/v1/runs'), at('/metrics?x=1'), at('/metrics', 'POST')])
      expect((await wrong).status).toBe(404);
    const second = new MetricsListener({ metrics: { host: '127.0.0.1', port } }, readiness, webhooks, enforcement);
    await expect(second.onApplicationBootstrap()).rejects.toThrow('EADDRINUSE');
    listener.onApplicationShutdown();
  });

  it('are served at no other address by default', async () => {
    const listener = new MetricsListener({ metrics: undefined }, readiness, webhooks, enforcement);
    await listener.onApplicationBootstrap();
    expect(listener.address).toBeUndefined();
  });

  it('need a key of the installation’s own tenant with a role that reads, at the API', async () => {
    const gateway = await startGateway();
    const at = async (key?: string): Promise<number> => {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const response = await fetch(`http://127.0.0.1:${gateway.port}/metrics`, { headers });
      await response.arrayBuffer();
      return response.status;
    };
    expect([await at(), await at(keyOf('enforcer')), await at(keyOf('analyst', 'acme'))]).toEqual([401, 403, 403]);
    for (const role of ['analyst', 'admin', 'responder'] as const) expect(await at(keyOf(role))).toBe(200);
    await gateway.close();
  }, 60_000);
});
