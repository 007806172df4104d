import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { registry } from '../reporting/registry';
import { EnforcementPoints } from './enforcement-points';

const points = new Gauge({
  name: 'bailiwick_enforcement_points',
  help: 'Boundary processes by state; only those that hear the log let calls pass',
  labelNames: ['state'] as const,
  registers: [registry],
});
const silence = new Gauge({
  name: 'bailiwick_enforcement_silence_seconds',
  help: 'Time since the last report of the boundary process that has been silent longest and is not gone',
  registers: [registry],
});
const inFlight = new Gauge({
  name: 'bailiwick_enforcement_calls_in_flight',
  help: 'Permitted calls in flight at boundary processes',
  registers: [registry],
});
const aborted = new Gauge({
  name: 'bailiwick_enforcement_calls_aborted',
  help: 'Calls in flight that the boundary processes have aborted since they started',
  registers: [registry],
});

/** Sets the gauges of enforcement points. */
@Injectable()
export class EnforcementMetrics {
  constructor(private readonly points: EnforcementPoints) {}

  update(): void {
    const totals = this.points.known.totals();
    for (const [state, count] of Object.entries(totals.states)) points.set({ state }, count);
    silence.set(totals.silentMs / 1_000);
    inFlight.set(totals.inFlight);
    aborted.set(totals.aborted);
  }
}
