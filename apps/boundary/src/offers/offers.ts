import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { mcpPinRequest, type McpOffer } from '@bailiwick/contracts/mcp/mcp-pin';
import { shownUpstream, type ListedMcpServer } from '@bailiwick/contracts/mcp/mcp-server';
import type { Bus } from '@bailiwick/messaging/connect';
import { boundarySubject, healthSubject } from '@bailiwick/messaging/subjects';
import { BUS } from '../config';
import { Servers } from '../servers/servers';
import { serverDigest } from '../tools/definition';
import type { Upstream } from '../upstream/upstream';

/** Each request is for one of the processes of this service. */
const SHARED = { queue: 'boundary' };
const tenantRequest = z.strictObject({ tenant: z.string() });

/** Answers the gateway which servers are in `mcp.json`, and what a server offers now, for administrators. */
@Injectable()
export class Offers implements OnApplicationBootstrap {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    private readonly servers: Servers,
  ) {}

  onApplicationBootstrap(): void {
    this.bus.serve(healthSubject('boundary'), () => ({ ok: true, value: { service: 'boundary' } }), SHARED);
    this.bus.serve(
      boundarySubject('servers'),
      (raw) => {
        const { tenant } = tenantRequest.parse(raw);
        const items = this.servers
          .listed(tenant)
          .map(({ name, upstream }): ListedMcpServer => ({ name, upstream: shownUpstream(upstream) }));
        return { ok: true, value: { items } };
      },
      SHARED,
    );
    this.bus.serve(
      boundarySubject('offer'),
      async (raw) => {
        const { tenant, server } = mcpPinRequest.parse(raw);
        const upstream = await this.servers.find(tenant, server, true);
        if (!upstream) return { ok: false, refusal: { code: 'NOT_FOUND', detail: `MCP server ${server} not found.` } };
        return { ok: true, value: await offerOf(upstream) };
      },
      SHARED,
    );
  }
}

/** Reads what a server offers. One that does not answer offers nothing, and has a fault. */
async function offerOf(upstream: Upstream): Promise<McpOffer> {
  const { name, identity } = upstream;
  try {
    const tools = await upstream.offered();
    return {
      name,
      identity,
      digest: serverDigest(identity, tools),
      tools: tools.map(({ name: tool, digest, raw, fault }) => ({
        name: tool.slice(0, 128),
        digest,
        definition: raw,
        ...(fault === undefined ? {} : { fault }),
      })),
    };
  } catch (error) {
    return { name, identity, tools: [], fault: (error as Error).message };
  }
}
