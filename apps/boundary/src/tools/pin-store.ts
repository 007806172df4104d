import { mcpPin, type McpPin } from '@bailiwick/contracts/mcp/mcp-pin';
import type { Bus } from '@bailiwick/messaging/connect';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { requestWithRetries } from '@bailiwick/edge/owners/retry';
import { Refused } from '@bailiwick/edge/refused';
import { LIMITS } from '@bailiwick/core/limits';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';

const answer = z.object({ pin: mcpPin.nullable() });

/** How long an approval that was withdrawn or replaced may still count. */
const KEPT_MS = 1_000;

/** The approved definitions of servers, which the delegation service stores. This service can read and not change them. */
export class PinStore {
  private readonly known = new LRUCache<string, { readonly pin: McpPin | undefined }>({ max: 1_000, ttl: KEPT_MS });

  constructor(private readonly bus: Pick<Bus, 'request'>) {}

  /** Returns what is approved of a server. @throws Refused NOT_READY (I11) */
  async find(tenant: string, server: string): Promise<McpPin | undefined> {
    const key = `${tenant}\n${server}`;
    const known = this.known.get(key);
    if (known) return known.pin;
    const reply = await requestWithRetries((ms) => this.bus.request(adminSubject('mcp-pins'), { tenant, server }, ms), {
      recipient: 'the delegation service',
      timeoutMs: LIMITS.queryTimeoutMs,
    });
    const parsed = reply.ok ? answer.safeParse(reply.value) : undefined;
    if (!parsed?.success) throw new Refused('NOT_READY', 'the approved definitions of tools cannot be read; try again');
    const pin = parsed.data.pin ?? undefined;
    this.known.set(key, { pin });
    return pin;
  }
}
