import { Controller, Inject } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { DEADLINE_HEADER, type Answer } from '@bailiwick/contracts/commands/command';
import { tenantName } from '@bailiwick/contracts/primitives';
import type { EventLog } from '@bailiwick/event-store/port';
import { BusContext } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { EVENT_LOG } from '../connections/tokens';
import { TOO_LATE } from '../log-owner/deadline';
import { LogOwnership } from '../ownership/log-ownership';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

const tenantRequest = z.strictObject({ tenant: tenantName });
type TenantRequest = z.infer<typeof tenantRequest>;

/** Handles the administration of tenants. */
@Controller()
export class AdminController {
  constructor(
    private readonly ownership: LogOwnership,
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
  ) {}

  @MessagePattern(adminSubject('create-tenant'))
  async createTenant(
    @Payload(new ZodPipe(tenantRequest)) { tenant }: TenantRequest,
    @Ctx() context: BusContext,
  ): Promise<Answer> {
    const deadline = Number(context.getHeaders()[DEADLINE_HEADER.toLowerCase()] ?? Infinity);
    if (this.ownership.isLate(deadline)) return TOO_LATE;
    return { ok: true, value: { logs: await this.ownership.createTenant(tenant) } };
  }

  @MessagePattern(adminSubject('logs'))
  async listLogs(@Payload(new ZodPipe(tenantRequest)) { tenant }: TenantRequest): Promise<Answer> {
    return { ok: true, value: { logs: await this.eventlog.listLogs(tenant) } };
  }
}
