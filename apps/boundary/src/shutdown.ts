import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { LiveLeases } from './calls/live-leases';
import { GovernedRequests } from './calls/governed';
import { Sessions } from './sessions/sessions';
import { Servers } from './servers/servers';

/** Ends the calls in flight, reports their outcomes, and stops the upstreams, before the connections close. */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  constructor(
    private readonly leases: LiveLeases,
    private readonly requests: GovernedRequests,
    private readonly sessions: Sessions,
    private readonly servers: Servers,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.leases.close();
    await new Promise((resolve) => setImmediate(resolve)); // the aborted calls register their outcomes
    await this.requests.settled();
    this.sessions.close();
    await this.servers.close();
  }
}
