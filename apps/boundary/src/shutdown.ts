import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { LiveLeases } from './calls/live-leases';
import { ToolCalls } from './calls/tool-calls';
import { Servers } from './servers/servers';

/** Ends the calls in flight, reports their outcomes, and stops the upstreams, before the connections close. */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  constructor(
    private readonly leases: LiveLeases,
    private readonly calls: ToolCalls,
    private readonly servers: Servers,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.leases.close();
    await new Promise((resolve) => setImmediate(resolve)); // the aborted calls register their outcomes
    await this.calls.settled();
    await this.servers.close();
  }
}
