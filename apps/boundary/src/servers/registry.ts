import { z } from 'zod';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import { storedMcpServer, type StoredMcpServer } from '@bailiwick/contracts/mcp/mcp-server';
import { LIMITS } from '@bailiwick/core/limits';
import { requestWithRetries } from '@bailiwick/edge/owners/retry';
import { Refused } from '@bailiwick/edge/refused';
import type { Bus } from '@bailiwick/messaging/connect';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { LRUCache } from 'lru-cache';

const answer = z.object({ config: storedMcpServer.nullable() });

/** How long a server that was removed or replaced may still be used, ms. */
const KEPT_MS = 1_000;

/** The servers that administrators registered, which the delegation service stores. This service can read and not change them. */
export class Registry {
  private readonly known = new LRUCache<string, { readonly config: StoredMcpServer | undefined }>({
    max: 1_000,
    ttl: KEPT_MS,
  });

  constructor(private readonly bus: Pick<Bus, 'request'>) {}

  /**
   * Returns the settings of a server of a tenant.
   * @param fresh as they are now, and not as they were at most a second ago
   * @throws Refused NOT_READY (I11)
   */
  async find(tenant: string, server: string, fresh = false): Promise<StoredMcpServer | undefined> {
    if (!mcpServerName.safeParse(server).success) return undefined;
    const key = `${tenant}\n${server}`;
    const known = this.known.get(key);
    if (known && !fresh) return known.config;
    const send = (ms: number) => this.bus.request(adminSubject('mcp-server'), { tenant, server }, ms);
    const wait = { recipient: 'the delegation service', timeoutMs: LIMITS.queryTimeoutMs };
    const reply = await requestWithRetries(send, wait);
    const parsed = reply.ok ? answer.safeParse(reply.value) : undefined;
    if (!parsed?.success) throw new Refused('NOT_READY', 'the registered servers cannot be read; try again');
    const config = parsed.data.config ?? undefined;
    this.known.set(key, { config });
    return config;
  }
}
