import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

const registry = new Registry();
collectDefaultMetrics({ register: registry });

export const requests = new Counter({
  name: 'bailiwick_http_requests_total',
  help: 'Requests answered',
  labelNames: ['route', 'status'] as const,
  registers: [registry],
});
export const seconds = new Histogram({
  name: 'bailiwick_http_request_seconds',
  help: 'Time to answer',
  labelNames: ['route'] as const,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  registers: [registry],
});

export const metricsText = (): Promise<string> => registry.metrics();
