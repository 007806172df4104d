import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { mcpApproveRequest, mcpPinRequest } from '@bailiwick/contracts/mcp/mcp-pin';
import type { PostgresMcpPins } from '@bailiwick/event-store/postgres/mcp-pins';
import { adminSubject } from '@bailiwick/messaging/subjects';
import type { z } from 'zod';
import { MCP_PINS } from '../connections/tokens';
import { ZodPipe } from '../rpc/zod.pipe';

/**
 * Stores the approved definitions of MCP servers. The boundary may read them; only the gateway, which has admitted an
 * administrator, may change them.
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
}
