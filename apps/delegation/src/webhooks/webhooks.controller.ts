import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { z } from 'zod';
import type { Answer } from '@bailiwick/contracts/commands/command';
import {
  webhookCallbackSave,
  webhookQuery,
  webhookRotate,
  webhookSave,
  webhooksQuery,
} from '@bailiwick/contracts/webhooks/webhook';
import { LIMITS } from '@bailiwick/core/limits';
import type { PostgresWebhooks } from '@bailiwick/event-store/postgres/webhooks';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { WEBHOOKS } from '../connections/tokens';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

type Named = z.infer<typeof webhookQuery>;

/** Stores webhooks. Only the gateway, which has admitted an administrator, may change them; the ledger sends to them. */
@Controller()
export class WebhooksController {
  constructor(@Inject(WEBHOOKS) private readonly webhooks: PostgresWebhooks) {}

  @MessagePattern(adminSubject('webhooks'))
  async list(@Payload(new ZodPipe(webhooksQuery)) { tenant }: z.infer<typeof webhooksQuery>): Promise<Answer> {
    return { ok: true, value: { items: await this.webhooks.list(tenant) } };
  }

  @MessagePattern(adminSubject('webhook'))
  async find(@Payload(new ZodPipe(webhookQuery)) { tenant, webhook }: Named): Promise<Answer> {
    const [found] = await this.webhooks.list(tenant, webhook);
    return found ? { ok: true, value: found } : missing(webhook);
  }

  @MessagePattern(adminSubject('webhook-save'))
  async save(@Payload(new ZodPipe(webhookSave)) request: z.infer<typeof webhookSave>): Promise<Answer> {
    const isNew = await this.webhooks.save(request);
    if (isNew !== undefined) return { ok: true, value: { isNew } };
    const detail = `The tenant has ${LIMITS.webhooks.perTenant} webhooks, the most that it may have.`;
    return { ok: false, refusal: { code: 'CONFLICT', detail } };
  }

  @MessagePattern(adminSubject('webhook-rotate'))
  async rotate(
    @Payload(new ZodPipe(webhookRotate)) { tenant, webhook, secret, overlapMs }: z.infer<typeof webhookRotate>,
  ): Promise<Answer> {
    const until = await this.webhooks.rotate(tenant, webhook, secret, overlapMs);
    return until === undefined ? missing(webhook) : { ok: true, value: { until } };
  }

  @MessagePattern(adminSubject('webhook-remove'))
  async remove(@Payload(new ZodPipe(webhookQuery)) { tenant, webhook }: Named): Promise<Answer> {
    return { ok: true, value: { removed: await this.webhooks.remove(tenant, webhook) } };
  }

  @MessagePattern(adminSubject('webhook-callback'))
  async addCallback(
    @Payload(new ZodPipe(webhookCallbackSave)) request: z.infer<typeof webhookCallbackSave>,
  ): Promise<Answer> {
    if (await this.webhooks.addCallback(request)) return { ok: true, value: {} };
    const detail =
      'callback.endpoint is not exactly the address of an enabled webhook that an administrator registered with `callbacks`, or the tenant has too many callbacks; leave it out and read the status endpoint';
    return { ok: false, refusal: { code: 'FORBIDDEN', detail } };
  }

  @MessagePattern(adminSubject('webhook-dead'))
  async deadLetters(@Payload(new ZodPipe(webhookQuery)) { tenant, webhook }: Named): Promise<Answer> {
    return { ok: true, value: { items: await this.webhooks.deadLetters(tenant, webhook) } };
  }

  @MessagePattern(adminSubject('webhook-totals'))
  async totals(): Promise<Answer> {
    return { ok: true, value: await this.webhooks.totals() };
  }
}

const missing = (name: string): Answer => ({
  ok: false,
  refusal: { code: 'NOT_FOUND', detail: `Webhook ${name} not found.` },
});
