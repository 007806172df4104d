import { Inject, Injectable } from '@nestjs/common';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { logNumberOf, parseLogName } from '@bailiwick/core/ids';
import type { WebhookDeliveries, WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { WEBHOOK_DELIVERIES } from '../connections/tokens';
import { callbackMessage, endedBy, LEASE_ENDS, type EndedRequest } from './callback-message';
import { messageOf } from './message';
import { RequestEnds } from './request-ends';
import type { WebhookMessage } from './signature';

type Deliveries = Pick<WebhookDeliveries, 'callback' | 'waitingCallbacks' | 'endedCallbacks' | 'endCallback'>;

/** What an event is sent as: to a webhook for events as it is stored, to one for callbacks as what became of requests. */
@Injectable()
export class WebhookMessages {
  constructor(
    @Inject(WEBHOOK_DELIVERIES) private readonly deliveries: Deliveries,
    private readonly ends: RequestEnds,
  ) {}

  /**
   * Returns what the next event of a log is sent as. A request for access ends by the first event that ends it, which is
   * recorded before it is sent: after a crash it is still the one.
   * @throws NotYet if the end of a lease is not read here yet
   */
  async next(target: WebhookTarget, event: StoredEvent): Promise<WebhookMessage[]> {
    const { tenant, name } = target;
    const { log, position } = event;
    if (target.callbacks)
      for (const { approvalId, status } of await this.endedBy(target, event))
        await this.deliveries.endCallback(tenant, name, approvalId, { log, position, status });
    return this.of(target, event);
  }

  /** Returns what an event was sent as, or would have been. */
  async of(target: WebhookTarget, event: StoredEvent): Promise<WebhookMessage[]> {
    const { tenant, name, types, callbacks } = target;
    if (!callbacks) return types?.includes(event.type) === false ? [] : [messageOf(event)];
    const ended = endedBy(event);
    if (ended) {
      const callback = await this.deliveries.callback(tenant, name, ended.approvalId);
      const message = callback && callbackMessage(event, ended.status, callback);
      return message ? [message] : [];
    }
    if (!LEASE_ENDS.includes(event.type)) return [];
    const all = await this.deliveries.endedCallbacks(tenant, name, event.log, event.position);
    return all.flatMap(
      ({ endedAs, ...callback }) => callbackMessage(event, endedAs, callback, callback.approval) ?? [],
    );
  }

  private async endedBy({ tenant, name }: WebhookTarget, event: StoredEvent): Promise<EndedRequest[]> {
    const ended = endedBy(event);
    if (ended) return [ended];
    if (!LEASE_ENDS.includes(event.type)) return [];
    const { n } = parseLogName(event.log);
    const waiting = (await this.deliveries.waitingCallbacks(tenant, name)).filter((id) => logNumberOf(id) === n);
    return waiting.length === 0 ? [] : this.ends.after(event.log, event.position, waiting);
  }
}
