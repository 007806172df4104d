import { randomUUID } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { z } from 'zod';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { redeliveryRequest, webhookQuery, type AttemptAnswer } from '@bailiwick/contracts/webhooks/webhook';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { EventLog } from '@bailiwick/event-store/port';
import type { WebhookDeliveries, WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { EVENT_LOG, WEBHOOK_DELIVERIES } from '../connections/tokens';
import { found, missing } from '../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { eventOf } from './message';
import type { WebhookMessage } from './signature';
import { WebhookAttempts } from './webhook-attempts';
import { WebhookMessages } from './webhook-messages';

/** Of what is sent for one request, with its waits for slots: it ends before the gateway stops waiting for it. */
const ONCE_MS = 2 * LIMITS.webhooks.attemptMs;

const redeliverQuery = webhookQuery.extend(redeliveryRequest.shape);

/** Single attempts that an administrator asks for; an attempt moves no cursor, and is made whether or not it is enabled. */
@Controller()
export class WebhooksController {
  constructor(
    private readonly attempts: WebhookAttempts,
    private readonly messages: WebhookMessages,
    @Inject(WEBHOOK_DELIVERIES) private readonly deliveries: Pick<WebhookDeliveries, 'find' | 'unbury'>,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'at'>,
  ) {}

  @MessagePattern(ledgerSubject('webhook-test'))
  async test(@Payload(new ZodPipe(webhookQuery)) { tenant, webhook }: z.infer<typeof webhookQuery>): Promise<Answer> {
    const target = await this.deliveries.find(tenant, webhook);
    if (!target) return missing(webhook);
    const timestamp = rfc3339(systemClock.now());
    const data = { tenant, webhook };
    const type = 'WebhookTest';
    return found(
      await this.once(target, [{ id: `test:${randomUUID()}`, type, body: JSON.stringify({ type, timestamp, data }) }]),
    );
  }

  @MessagePattern(ledgerSubject('webhook-redeliver'))
  async redeliver(
    @Payload(new ZodPipe(redeliverQuery)) { tenant, webhook, id }: z.infer<typeof redeliverQuery>,
  ): Promise<Answer> {
    const target = await this.deliveries.find(tenant, webhook);
    if (!target) return missing(webhook);
    const named = eventOf(id);
    if (!named || parseLogName(named.log).tenant !== tenant) return missing(id); // I9
    const [event] = await this.eventlog.at(named.log, [named.position]);
    const all = event ? await this.messages.of(target, event) : [];
    const one = all.find((message) => message.id === id);
    const asked = one ? [one] : all;
    if (asked.length === 0) return missing(id);
    const answer = await this.once(target, asked);
    if (answer.delivered && asked.length === all.length)
      await this.deliveries.unbury(target, named.log, named.position);
    return found(answer);
  }

  /** Sends messages until one fails, and returns what became of the last one sent. */
  private async once(target: WebhookTarget, messages: readonly WebhookMessage[]): Promise<AttemptAnswer> {
    const signal = AbortSignal.timeout(ONCE_MS);
    let answer: AttemptAnswer | undefined;
    for (const message of messages) {
      const { delivered, status, ...rest } = await this.attempts.attempt(target, message, signal);
      answer = {
        id: message.id,
        delivered,
        ...(status === undefined ? {} : { status }),
        ...('error' in rest ? { error: rest.error } : {}),
      };
      if (!delivered) break;
    }
    if (!answer) throw new Error('there is no message to send');
    return answer;
  }
}
