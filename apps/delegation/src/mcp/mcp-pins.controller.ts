import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { mcpApproveRequest, mcpPinRequest } from '@bailiwick/contracts/mcp/mcp-pin';
import type { PostgresMcpPins } from '@bailiwick/event-store/postgres/mcp-pins';
import {
  mcpRegisterRequest,
  mcpServersRequest,
  shownUpstream,
  type ListedMcpServer,
} from '@bailiwick/contracts/mcp/mcp-server';
import { LIMITS } from '@bailiwick/core/limits';
import { adminSubject } from '@bailiwick/messaging/subjects';
import type { z } from 'zod';
import { MCP_PINS } from '../connections/tokens';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

/**
 * Stores the registered MCP servers, and what is approved of them. The boundary may read both; only the gateway, which has
 * admitted an administrator, may change them.
 */
@Controller()
export class McpPinsController {
  constructor(@Inject(MCP_PINS) private readonly pins: PostgresMcpPins) {}

  @MessagePattern(adminSubject('mcp-pins'))
  async find(@Payload(new ZodPipe(mcpPinRequest)) { tenant, server }: z.infer<typeof mcpPinRequest>): Promise<Answer> {
    return { ok: true, value: { pin: (await this.pins.find(tenant, server)) ?? null } };
  }

  @MessagePattern(adminSubject('mcp-definitions'))
  async definitions(
    @Payload(new ZodPipe(mcpPinRequest)) { tenant, server }: z.infer<typeof mcpPinRequest>,
  ): Promise<Answer> {
    return { ok: true, value: await this.pins.definitions(tenant, server) };
  }

  @MessagePattern(adminSubject('mcp-approve'))
  async approve(
    @Payload(new ZodPipe(mcpApproveRequest))
    { tenant, server, pin, definitions }: z.infer<typeof mcpApproveRequest>,
  ): Promise<Answer> {
    return { ok: true, value: await this.pins.approve(tenant, server, pin, definitions) };
  }

  @MessagePattern(adminSubject('mcp-server'))
  async server(@Payload(new ZodPipe(mcpPinRequest)) asked: z.infer<typeof mcpPinRequest>): Promise<Answer> {
    return { ok: true, value: { config: (await this.pins.server(asked.tenant, asked.server)) ?? null } };
  }

  @MessagePattern(adminSubject('mcp-servers'))
  async servers(
    @Payload(new ZodPipe(mcpServersRequest)) { tenant }: z.infer<typeof mcpServersRequest>,
  ): Promise<Answer> {
    const servers = await this.pins.servers(tenant);
    const items = servers.map(({ name, upstream }): ListedMcpServer => ({ name, upstream: shownUpstream(upstream) }));
    return { ok: true, value: { items } };
  }

  @MessagePattern(adminSubject('mcp-register'))
  async register(
    @Payload(new ZodPipe(mcpRegisterRequest)) { tenant, server, config }: z.infer<typeof mcpRegisterRequest>,
  ): Promise<Answer> {
    const isNew = await this.pins.register(tenant, server, config);
    if (isNew !== undefined) return { ok: true, value: { isNew } };
    const detail = `The tenant has ${LIMITS.mcp.servers} MCP servers, the most that it may have.`;
    return { ok: false, refusal: { code: 'CONFLICT', detail } };
  }

  @MessagePattern(adminSubject('mcp-remove'))
  async remove(
    @Payload(new ZodPipe(mcpPinRequest)) { tenant, server }: z.infer<typeof mcpPinRequest>,
  ): Promise<Answer> {
    return { ok: true, value: { removed: await this.pins.remove(tenant, server) } };
  }
}
