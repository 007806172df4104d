import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import {
  mcpServerRequest,
  registeredIdentity,
  shownUpstream,
  listedMcpServer,
  type ListedMcpServer,
  type McpServerRequest,
} from '@bailiwick/contracts/mcp/mcp-server';
import { digest, position } from '@bailiwick/contracts/primitives';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { Registration } from './registration';

const named = z.strictObject({ name: mcpServerName });
type Named = z.infer<typeof named>;

const listed = listedMcpServer.extend({
  /** `file`: in `mcp.json` of the boundary, which the operator edits; `api`: registered with PUT */
  source: z.enum(['file', 'api']),
});
type Listed = z.infer<typeof listed>;
const serversAnswer = z.object({
  items: z.array(listed),
  /** whether the boundary answered; without it, the servers of `mcp.json` are not known */
  boundary: z.boolean(),
  next: z.null(),
});
const registeredAnswer = listed.extend({ identity: digest, position });
const removedAnswer = z.object({ name: mcpServerName, position });

/** How long the boundary may take to list the servers of its file, ms. */
const LIST_MS = 5_000;

/** The upstream MCP servers of a tenant: registration and removal, effective at every boundary within a second. */
@Controller()
export class McpServersController {
  constructor(
    private readonly logClient: LogClient,
    private readonly registration: Registration,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/mcp/servers',
    summary: 'The registered MCP servers of the tenant, without secrets',
    roles: ['admin', 'analyst'],
    answer: serversAnswer,
  })
  async list(@Ctx() { caller }: RequestContext): Promise<z.infer<typeof serversAnswer>> {
    const [registered, inFile] = await Promise.all([this.registered(caller.tenant), this.inFile(caller.tenant)]);
    const items = [
      ...(inFile ?? []).map((each): Listed => ({ ...each, source: 'file' })),
      ...registered
        .filter(({ name }) => inFile?.some((each) => each.name === name) !== true)
        .map((each): Listed => ({ ...each, source: 'api' })),
    ];
    return { items: items.sort((a, b) => (a.name < b.name ? -1 : 1)), boundary: inFile !== undefined, next: null };
  }

  /** Records the registration before it has an effect, so that none has effect without its record. */
  @Endpoint({
    method: 'PUT',
    path: '/v1/mcp/servers/:name',
    summary:
      'Register an MCP server, or replace the one of this name; its tools are in quarantine until they are approved',
    roles: ['admin'],
    answer: registeredAnswer,
  })
  async register(
    @Ctx() context: RequestContext,
    @Params(named) { name }: Named,
    @Body(mcpServerRequest) body: McpServerRequest,
  ): Promise<z.infer<typeof registeredAnswer>> {
    const { tenant } = context.caller;
    this.registration.admit(body);
    const [registered] = await Promise.all([this.registered(tenant), this.refuseThatOfFile(tenant, name)]);
    if (registered.length >= LIMITS.mcp.servers && !registered.some((each) => each.name === name))
      throw new Refused('CONFLICT', `the tenant has ${LIMITS.mcp.servers} MCP servers, the most that it may have`);
    const identity = registeredIdentity(body);
    const config = this.registration.stored(tenant, name, body, identity);
    const at = await this.record(context, { server: name, change: 'registered', identity });
    // If the process dies here, the log has a registration without an effect: the list of servers is without it, and the
    // request repeated with its idempotency key is recorded once and stored. The other order would let a server have an
    // effect that no record ever states.
    await this.logClient.admin('mcp-register', { tenant, server: name, config });
    this.registration.startBoundary();
    return { name, source: 'api', upstream: shownUpstream(body.upstream), identity, position: at };
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/mcp/servers/:name',
    summary: 'Remove an MCP server, its credentials, and what was approved of it',
    roles: ['admin'],
    answer: removedAnswer,
  })
  async remove(@Ctx() context: RequestContext, @Params(named) { name }: Named): Promise<z.infer<typeof removedAnswer>> {
    const { tenant } = context.caller;
    const registered = await this.registered(tenant);
    if (!registered.some((each) => each.name === name)) {
      await this.refuseThatOfFile(tenant, name);
      throw new Refused('NOT_FOUND', `MCP server ${name} not found.`);
    }
    const at = await this.record(context, { server: name, change: 'removed' });
    // If the process dies here, the server stays, as the list of servers shows, until the request is repeated. A server
    // that is removed without a record would be one that its pins and receipts name, and no record would state who removed it.
    await this.logClient.admin('mcp-remove', { tenant, server: name });
    return { name, position: at };
  }

  private async record(
    context: RequestContext,
    change: { server: string; change: 'registered' | 'removed'; identity?: string },
  ): Promise<number> {
    const command = context.command('recordMcpServer', logName(context.caller.tenant, 0), change);
    return (await this.logClient.command<{ position: number }>(command)).position;
  }

  private async registered(tenant: string): Promise<ListedMcpServer[]> {
    return (await this.logClient.admin<{ items: ListedMcpServer[] }>('mcp-servers', { tenant })).items;
  }

  private async refuseThatOfFile(tenant: string, name: string): Promise<void> {
    if ((await this.inFile(tenant))?.some((each) => each.name === name) !== true) return;
    throw new Refused('CONFLICT', `${name} is registered in mcp.json, which the operator of the boundary edits`);
  }

  /** Returns the servers of `mcp.json`; undefined if no boundary answers. */
  private async inFile(tenant: string): Promise<ListedMcpServer[] | undefined> {
    try {
      return (await this.logClient.boundary<{ items: ListedMcpServer[] }>('servers', { tenant }, LIST_MS)).items;
    } catch (error) {
      if (error instanceof Refused && error.code === 'NOT_READY') return undefined;
      throw error;
    }
  }
}
