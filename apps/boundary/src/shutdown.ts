import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { GuardedCalls } from './calls/guarded-calls';
import { LiveLeases } from './calls/live-leases';
import { PointReporter } from './enforcement/point-reporter';
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
    this.leases.close();
    await new Promise((resolve) => setImmediate(resolve)); // the aborted calls register their outcomes
    await this.guarded.settled();
    this.reporter.stop();
    closeConnections();
    this.sessions.close();
    await this.servers.close();
  }
}
