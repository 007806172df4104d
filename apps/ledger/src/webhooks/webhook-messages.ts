import { Inject, Injectable } from '@nestjs/common';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { WebhookDeliveries, WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { WEBHOOK_DELIVERIES } from '../connections/tokens';
import { callbackMessage, endedBy } from './callback-message';
import { messageOf } from './message';
import type { WebhookMessage } from './signature';

/** What an event is sent as: to a webhook for events as it is stored, to one for callbacks as what became of a request. */
@Injectable()
export class WebhookMessages {
  constructor(
    @Inject(WEBHOOK_DELIVERIES) private readonly deliveries: Pick<WebhookDeliveries, 'callback' | 'endCallback'>,
  ) {}

  /**
   * Returns what the next event of a log is sent as; undefined if it is not sent. A request for access ends by the first
   * event that ends it, which is recorded before it is sent: after a crash it is still the one.
   */
  async next(target: WebhookTarget, event: StoredEvent): Promise<WebhookMessage | undefined> {
    const ended = target.callbacks ? endedBy(event) : undefined;
    if (ended) await this.deliveries.endCallback(target.tenant, target.name, ended.approvalId, event.position);
    return this.of(target, event);
  }

  /** Returns what an event was sent as, or would have been. */
  async of(target: WebhookTarget, event: StoredEvent): Promise<WebhookMessage | undefined> {
    if (!target.callbacks) return target.types?.includes(event.type) === false ? undefined : messageOf(event);
    const ended = endedBy(event);
    const callback = ended && (await this.deliveries.callback(target.tenant, target.name, ended.approvalId));
    return callback && callbackMessage(event, ended, callback);
  }
}
