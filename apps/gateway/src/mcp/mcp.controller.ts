import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  mcpPin,
  mcpServerName,
  type McpDefinitions,
  type McpOffer,
  type McpPin,
} from '@bailiwick/contracts/mcp/mcp-pin';
import { digest, position } from '@bailiwick/contracts/primitives';
import { logName } from '@bailiwick/core/ids';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { compared } from './comparison';

const named = z.strictObject({ name: mcpServerName });
type Named = z.infer<typeof named>;
const approvalBody = z.strictObject({ digest });

const comparedTool = z.object({
  name: z.string(),
  status: z.enum(['approved', 'new', 'changed', 'removed', 'unusable']),
  digest: digest.optional(),
  definition: z.string().optional(),
  approvedDefinition: z.string().optional(),
  fault: z.string().optional(),
  warnings: z.array(z.string()),
});
const serverAnswer = z.object({
  name: mcpServerName,
  /** of what it offers now: the one to approve; left out if it does not answer */
  digest: digest.optional(),
  fault: z.string().optional(),
  pinned: mcpPin.nullable(),
  tools: z.array(comparedTool),
});
const approvedAnswer = mcpPin.extend({ position });

/** What the MCP servers of a tenant offer, and what an administrator approved of it. */
@Controller()
export class McpController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/mcp/servers/:name',
    summary: 'What an MCP server offers now, compared with what is approved',
    roles: ['admin', 'analyst'],
    answer: serverAnswer,
  })
  async show(@Ctx() { caller }: RequestContext, @Params(named) { name }: Named): Promise<unknown> {
    const [offer, approved] = await Promise.all([
      this.offerOf(caller.tenant, name),
      this.logClient.admin<McpDefinitions>('mcp-definitions', { tenant: caller.tenant, server: name }),
    ]);
    return {
      name,
      ...(offer.digest === undefined ? {} : { digest: offer.digest }),
      ...(offer.fault === undefined ? {} : { fault: offer.fault }),
      pinned: approved.pin,
      tools: compared(offer, approved),
    };
  }

  /** Records the approval before it has an effect, so that none has effect without its record. */
  @Endpoint({
    method: 'POST',
    path: '/v1/mcp/servers/:name/approval',
    summary: 'Approve exactly what an MCP server offers',
    roles: ['admin'],
    answer: approvedAnswer,
  })
  async approve(
    @Ctx() context: RequestContext,
    @Params(named) { name }: Named,
    @Body(approvalBody) { digest: seen }: z.infer<typeof approvalBody>,
  ): Promise<unknown> {
    const { tenant, actor } = context.caller;
    const offer = await this.offerOf(tenant, name);
    if (offer.digest !== seen)
      throw new Refused('CONFLICT', `${name} offers something else than ${seen}; read it again`, [], {
        current: offer.digest ?? null,
      });
    const { identity, tools } = offer;
    const usable = tools.filter(({ fault }) => fault === undefined);
    const { position: at } = await this.logClient.command<{ position: number }>(
      context.command('recordMcpApproval', logName(tenant, 0), {
        server: name,
        digest: seen,
        identity,
        tools: usable.length,
      }),
    );
    const pin = await this.logClient.admin<McpPin>('mcp-approve', {
      tenant,
      server: name,
      pin: {
        digest: seen,
        identity,
        tools: Object.fromEntries(usable.map((each) => [each.name, each.digest])),
        approvedBy: actor.id,
      },
      definitions: Object.fromEntries(usable.map((each) => [each.name, each.definition])),
    });
    return { ...pin, position: at };
  }

  private offerOf(tenant: string, server: string): Promise<McpOffer> {
    return this.logClient.boundary<McpOffer>('offer', { tenant, server });
  }
}
