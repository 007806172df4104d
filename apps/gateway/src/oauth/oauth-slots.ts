import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { LIMITS } from '@bailiwick/core/limits';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';

/**
 * Bounds the requests to the OAuth endpoints in progress. They authenticate their senders themselves, so a request occupies
 * a slot of its address until it ends, and a slot of its tenant once that is known. The slots of addresses are apart from
 * those of tenants: senders without credentials take none of the capacity of the others.
 */
@Injectable()
export class OAuthSlots {
  private readonly addresses = new ConcurrencyLimiter(
    LIMITS.oauthRequests,
    LIMITS.oauthRequestsPerAddress,
    'requests to the OAuth endpoints from this address',
  );
  private readonly held = new WeakMap<IncomingMessage, (() => void)[]>();

  constructor(private readonly tenants: ConcurrencyLimiter) {}

  /** Runs a request in a slot of its address. @throws Refused TOO_MANY */
  async within<T>(raw: IncomingMessage, work: () => Promise<T>): Promise<T> {
    const slots = [this.addresses.take(raw.socket.remoteAddress ?? '')];
    this.held.set(raw, slots);
    try {
      return await work();
    } finally {
      this.held.delete(raw);
      for (const release of slots) release();
    }
  }

  /** Takes a slot of the tenant for the rest of a request. @throws Refused TOO_MANY */
  ofTenant(raw: IncomingMessage, tenant: string): void {
    this.held.get(raw)?.push(this.tenants.take(tenant));
  }
}
