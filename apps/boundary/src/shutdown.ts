import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { GuardedCalls } from './calls/guarded-calls';
import { LiveLeases } from './calls/live-leases';
import { ToolCalls } from './calls/tool-calls';
import { closeConnections } from './plain/exchange';
import { Servers } from './servers/servers';

/** Ends the calls in flight, reports their outcomes, and stops the upstreams, before the connections close. */
@Injectable()
export class Shutdown implements BeforeApplicationShutdown {
  constructor(
    private readonly leases: LiveLeases,
    private readonly calls: ToolCalls,
    private readonly guarded: GuardedCalls,
    private readonly servers: Servers,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.leases.close();
    await new Promise((resolve) => setImmediate(resolve)); // the aborted calls register their outcomes
    await Promise.all([this.calls.settled(), this.guarded.settled()]);
    closeConnections();
    await this.servers.close();
  }
}
