import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import type { WebhookMessage } from './signature';

/**
 * An event as the payload of a webhook. `data` is the event exactly as stored: it has refs in place of people, and nothing
 * of the personal data that is stored apart from it.
 * @see Standard Webhooks, Payload structure
 */
export function messageOf({ log, position, type, time, body }: EventWithoutPayload): WebhookMessage {
  return {
    id: `${log}:${position}`,
    type,
    body: `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(time)},"data":${body}}`,
  };
}

/** The log and the position that an id names, which may be of one of several messages of an event; undefined if it names none. */
export function eventOf(id: string): { log: string; position: number } | undefined {
  const [, log, position] =
    /^([a-z0-9][a-z0-9-]{0,62}\/\d{1,6}):(0|[1-9]\d{0,14})(?::apr_[0-9a-z_]{1,40})?$/.exec(id) ?? [];
  return log === undefined ? undefined : { log, position: Number(position) };
}
