import { setTimeout as after } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { GuardedCalls } from './calls/guarded-calls';
import { LiveLeases } from './calls/live-leases';
import { PointReporter } from './enforcement/point-reporter';
import { BOUNDARY_LIMITS } from './boundary-limits';
import { closeConnections } from './plain/exchange';
import { Sessions } from './sessions/sessions';
import { Servers } from './servers/servers';

/** Ends the calls in flight, reports their outcomes, and stops the upstreams, before the connections close. */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  constructor(
    private readonly leases: LiveLeases,
    private readonly guarded: GuardedCalls,
    private readonly sessions: Sessions,
    private readonly servers: Servers,
    private readonly reporter: PointReporter,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.leases.close(); // from now on no call starts
    await new Promise((resolve) => setImmediate(resolve)); // the aborted calls register their outcomes
    await Promise.race([this.guarded.settled(), after(BOUNDARY_LIMITS.closingMs, undefined, { ref: false })]);
    closeConnections();
    this.sessions.close();
    try {
      await this.servers.close();
    } finally {
      this.reporter.stop(); // last: its silence is no alarm only once nothing is open
    }
  }
}
