import { headers as newHeaders, type MsgHdrs } from 'nats';
import { percentEncode } from '../commit-message';
import { SUBJECT_PREFIX, streamSubject } from '../subjects';

/** One event of a log, as it is stored. */
export interface StreamEvent {
  /** `<tenant>/<n>` */
  readonly log: string;
  readonly position: number;
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  /** JSON, exactly as stored */
  readonly body: string;
}

export interface StreamMessage {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly payload: string;
}

/**
 * An event as a NATS message: CloudEvents 1.0 in binary mode. The payload is the event exactly as stored, without the
 * personal data that is stored apart from it.
 * @see CloudEvents 1.0 section 3; NATS Protocol Binding for CloudEvents 1.0.3 section 3.1
 */
export function toStreamMessage(event: StreamEvent): StreamMessage {
  const { log, position, type, time, body } = event;
  const id = `${log}:${position}`;
  const headers = newHeaders();
  headers.set('Nats-Msg-Id', id);
  for (const [name, value] of [
    ['specversion', '1.0'],
    ['id', id],
    ['source', `/log/${log}`],
    ['type', `dev.bailiwick.${type}`],
    ['time', time],
    ['position', String(position)],
    ['datacontenttype', 'application/json'],
  ] as const) {
    headers.set(`ce-${name}`, percentEncode(value));
  }
  return { subject: streamSubject(log, type), headers, payload: body };
}

/** The position that a message of a log has; undefined if it is no message of that log. */
export function positionOf(log: string, headers: MsgHdrs | undefined): number | undefined {
  const id = headers?.get('Nats-Msg-Id') ?? '';
  const [, of, position] = /^(.+):(\d{1,15})$/.exec(id) ?? [];
  return of === log ? Number(position) : undefined;
}

/** Every subject of the stream. */
export const ALL_STREAM_SUBJECTS = `${SUBJECT_PREFIX}.events.>`;
