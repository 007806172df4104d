import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import type { MsgHdrs } from 'nats';
import { percentEncode } from '../commit-message';
import { SUBJECT_PREFIX, streamSubjects } from '../subjects';

/** The JetStream stream with every event of every log, for subscribers outside. */
export const EVENT_STREAM = 'BAILIWICK_EVENTS';

export interface StreamMessage {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly payload: string;
}

/**
 * Events of one log as NATS messages: CloudEvents 1.0 in binary mode. The payload is the event exactly as stored, without
 * the personal data that is stored apart from it.
 *
 * The server stores the first only after the message with the given sequence, and each other one only directly after the
 * one before it here. Sequences alone would not do: a message can find its sequence free because a message of another
 * publisher was stored in place of the one before it.
 * @param sequence of the last message in the stream before the first of these
 * @see CloudEvents 1.0 section 3; NATS Protocol Binding for CloudEvents 1.0.3 section 3.1
 */
export function toStreamMessages(
  log: string,
  events: readonly EventWithoutPayload[],
  sequence: number,
): StreamMessage[] {
  const subjectOf = streamSubjects(log);
  return events.map(({ position, type, time, body }, i) => {
    const id = `${log}:${position}`;
    const lines = [
      `Nats-Msg-Id: ${id}`,
      `Nats-Expected-Stream: ${EVENT_STREAM}`,
      `Nats-Expected-Last-Sequence: ${sequence + i}`,
      ...(i === 0 ? [] : [`Nats-Expected-Last-Msg-Id: ${log}:${position - 1}`]),
      'ce-specversion: 1.0',
      `ce-id: ${id}`,
      `ce-source: /log/${log}`,
      `ce-type: dev.bailiwick.${encoded(type)}`,
      `ce-time: ${encoded(time)}`,
      `ce-position: ${position}`,
      'ce-datacontenttype: application/json',
    ];
    return { subject: subjectOf(type), headers: headersOf(lines), payload: body };
  });
}

/**
 * Headers as the protocol sends them. The client's own class checks and sorts each header, which took a third of the time
 * to publish an event; the client calls nothing but `encode`. Log names and positions need no encoding.
 * @see NATS ADR-4
 */
function headersOf(lines: readonly string[]): MsgHdrs {
  return { encode: () => Buffer.from(`NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`) } as unknown as MsgHdrs;
}

const PLAIN = /^[\w:.+-]*$/;
const encoded = (text: string): string => (PLAIN.test(text) ? text : percentEncode(text));

/** The position that a message of a log has; undefined if it is no message of that log. */
export function positionOf(log: string, headers: MsgHdrs | undefined): number | undefined {
  const id = headers?.get('Nats-Msg-Id') ?? '';
  const [, of, position] = /^(.+):(\d{1,15})$/.exec(id) ?? [];
  return of === log ? Number(position) : undefined;
}

/** Every subject of the stream. */
export const ALL_STREAM_SUBJECTS = `${SUBJECT_PREFIX}.events.>`;
