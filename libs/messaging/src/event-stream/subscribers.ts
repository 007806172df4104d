import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, nanos, type JetStreamManager } from 'nats';
import { natsOf, type Bus } from '../connect';
import { BUS_LIMITS } from '../bus-limits';
import { consumerName, streamOfTenant } from '../subjects';
import { EVENT_STREAM } from './event-message';

/** Makes the durable consumer of a subscriber, or leaves it as it is: it starts at the oldest event that is stored. */
export async function makeConsumer(bus: Bus, { tenant, name }: { tenant: string; name: string }): Promise<string> {
  const manager = await natsOf(bus).nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.eventStreamAckMs });
  await streamExists(manager);
  const consumer = consumerName({ tenant, name });
  await manager.consumers.add(EVENT_STREAM, {
    durable_name: consumer,
    filter_subject: streamOfTenant(tenant),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(BUS_LIMITS.subscriberAckMs),
    max_ack_pending: BUS_LIMITS.subscriberPending,
    deliver_policy: DeliverPolicy.All,
  });
  return consumer;
}

/** Waits for the publisher to create the stream, which it does soon after it starts. @throws NatsError after a time-out */
async function streamExists(manager: JetStreamManager): Promise<void> {
  const end = performance.now() + BUS_LIMITS.eventStreamAckMs;
  for (;;) {
    try {
      await manager.streams.info(EVENT_STREAM);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(BUS_LIMITS.reconnectDelayMs);
    }
  }
}

/** Deletes the durable consumer of a subscriber. @returns whether there was one */
export async function deleteConsumer(bus: Bus, subscriber: { tenant: string; name: string }): Promise<boolean> {
  const manager = await natsOf(bus).nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.eventStreamAckMs });
  return manager.consumers.delete(EVENT_STREAM, consumerName(subscriber)).catch(() => false);
}
