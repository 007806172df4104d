import { Counter, Gauge, Histogram } from 'prom-client';
import { PolicyMetrics } from './policy-metrics';
import type { Readiness } from './readiness';
import { registry } from './registry';

const requests = new Counter({
  name: 'bailiwick_http_requests_total',
  help: 'Requests answered',
  labelNames: ['route', 'status'] as const,
  registers: [registry],
});
const seconds = new Histogram({
  name: 'bailiwick_http_request_seconds',
  help: 'Time to answer',
  labelNames: ['route'] as const,
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  registers: [registry],
});
const dryRuns = new Counter({
  name: 'bailiwick_dry_runs_total',
  help: 'Dry runs: decisions that charge nothing and write no event',
  labelNames: ['tenant', 'asker', 'decision'] as const,
  registers: [registry],
});

const unreadable = new Gauge({
  name: 'bailiwick_unreadable_events',
  help: 'Stored events that are unreadable and not set aside by an operator, over all logs',
  registers: [registry],
});
const notLoaded = new Gauge({
  name: 'bailiwick_logs_not_loaded',
  help: 'Logs that cannot be loaded and therefore answer no requests',
  registers: [registry],
});

/** Sets the gauges to the result of the newest readiness check. */
export function gaugeProblems(problems: Readiness['problems']): void {
  unreadable.set(problems['unreadable-event'] ?? 0);
  notLoaded.set(problems['not-loaded'] ?? 0);
}

type Series<T> = Map<string, T>;
const counters: Series<ReturnType<typeof requests.labels>> = new Map();
const histograms: Series<ReturnType<typeof seconds.labels>> = new Map();

/** Caches the series of a set of labels: prom-client hashes the labels on each access. */
function seriesOf<T>(known: Series<T>, key: string, make: () => T): T {
  const series = known.get(key) ?? make();
  known.set(key, series);
  return series;
}

export function countAnswer(route: string, status: number): void {
  seriesOf(counters, `${status} ${route}`, () => requests.labels(route, String(status))).inc();
}

export function timed(route: string, took: number): void {
  seriesOf(histograms, route, () => seconds.labels(route)).observe(took);
}

/** what the answers of people and the reasons of decisions indicate about policies */
export const policyMetrics = new PolicyMetrics(registry);

/** Counts a dry run per tenant and kind of caller, so that probing a lease shows as a rate. */
export function countDryRun(tenant: string, asker: 'run' | 'key', decision: string): void {
  dryRuns.labels(tenant, asker, decision).inc();
}

export const metricsText = (): Promise<string> => registry.metrics();
