import { headers as newHeaders, type MsgHdrs } from 'nats';
import { eventSubject, parseEventSubject } from './subjects';

/**
 * An event of a log as a NATS message: CloudEvents 1.0, binary mode. The attributes are headers, the stored event is
 * the payload, byte for byte.
 *
 * @see CloudEvents 1.0 §3; NATS Protocol Binding for CloudEvents 1.0.3 §3.1 (attribute `x` is the header `ce-x`,
 *   percent-encoded)
 */

/** What is announced of a committed event. */
export interface AnnouncedEvent {
  /** `<tenant>/<n>` */
  readonly log: string;
  readonly position: number;
  /** `GrantIssued` */
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  /** the JSON text exactly as stored */
  readonly body: string;
}

const MESSAGE_ID = 'Nats-Msg-Id';
const TYPE_PREFIX = 'dev.bailiwick.';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** `<log>:<position>`: the same for ever for one event, so that the stream drops what is published twice. */
export const messageId = (event: { log: string; position: number }): string => `${event.log}:${event.position}`;

/** The subject, headers and payload of an event. Throws where its log, type or position is not of the form. */
export function toMessage(event: AnnouncedEvent): { subject: string; headers: MsgHdrs; payload: string } {
  if (!Number.isSafeInteger(event.position) || event.position < 0) throw new Error(`not a position: ${event.position}`);
  const id = messageId(event);
  const headers = newHeaders();
  headers.set(MESSAGE_ID, id);
  for (const [name, value] of [
    ['specversion', '1.0'],
    ['id', id],
    ['source', `/log/${event.log}`],
    ['type', TYPE_PREFIX + event.type],
    ['time', event.time],
    ['subject', String(event.position)],
    ['datacontenttype', 'application/json'],
  ] as const) {
    headers.set(`ce-${name}`, percentEncode(value));
  }
  return { subject: eventSubject(event.log, event.type), headers, payload: event.body };
}

/**
 * The event in a message; undefined where it is none of ours. The subject is what the server checked the sender's
 * permission on, so the log is taken from it, and headers that name another log are refused (I9).
 */
export function fromMessage(msg: { subject: string; headers?: MsgHdrs; data: Uint8Array }): AnnouncedEvent | undefined {
  const named = parseEventSubject(msg.subject);
  if (!named) return undefined;
  const position = Number(attribute(msg.headers, 'subject'));
  if (!Number.isSafeInteger(position) || position < 0) return undefined;
  if (attribute(msg.headers, 'id') !== messageId({ log: named.log, position })) return undefined;
  try {
    return { ...named, position, time: attribute(msg.headers, 'time'), body: decoder.decode(msg.data) };
  } catch {
    return undefined;
  }
}

function attribute(headers: MsgHdrs | undefined, name: string): string {
  const value = headers?.get(`ce-${name}`) ?? '';
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}

/** Space, `"`, `%` and everything outside printable ASCII. @see the binding, §3.1.3.2 */
export function percentEncode(value: string): string {
  return value.replace(/[^\u0021\u0023\u0024\u0026-\u007e]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
