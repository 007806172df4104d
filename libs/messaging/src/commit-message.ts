import { headers as newHeaders, type MsgHdrs } from 'nats';
import { z } from 'zod';
import { eventSubject, logOfEventSubject } from './subjects';

/**
 * Encodes the announcement of a commit as a NATS message: CloudEvents 1.0, binary mode. The attributes are headers; the
 * data contains the positions that were written. It contains no events: followers read them from the log.
 *
 * @see CloudEvents 1.0 §3; NATS Protocol Binding for CloudEvents 1.0.3 §3.1 (attribute `x` is the header `ce-x`,
 *   percent-encoded)
 */

/** The announcement of a commit. */
export interface Announcement {
  /** `<tenant>/<n>` */
  readonly log: string;
  /** first position of the commit */
  readonly from: number;
  /** one past its last position: the length of the log after it */
  readonly next: number;
  /** time of its last event; RFC 3339 */
  readonly time: string;
}

const MESSAGE_ID = 'Nats-Msg-Id';
const TYPE = 'dev.bailiwick.events-appended';

const position = z.int().min(0);
const data = z.strictObject({ from: position, next: position }).refine(({ from, next }) => from < next);

/** `<first>-<last>` */
const span = ({ from, next }: { from: number; next: number }): string => `${from}-${next - 1}`;

/** Builds `<log>:<first>-<last>`: constant for one commit, so that the stream drops what is published twice. */
const messageId = (commit: { log: string; from: number; next: number }): string => `${commit.log}:${span(commit)}`;

/** Returns the subject, headers and payload of an announcement. @throws if its log or positions are invalid */
export function toMessage(commit: Announcement): { subject: string; headers: MsgHdrs; payload: string } {
  const { log, from, next, time } = commit;
  if (!data.safeParse({ from, next }).success) throw new Error(`not the positions of a commit: ${from} to ${next}`);
  const id = messageId(commit);
  const headers = newHeaders();
  headers.set(MESSAGE_ID, id);
  for (const [name, value] of [
    ['specversion', '1.0'],
    ['id', id],
    ['source', `/log/${log}`],
    ['type', TYPE],
    ['time', time],
    ['subject', span(commit)],
    ['datacontenttype', 'application/json'],
  ] as const) {
    headers.set(`ce-${name}`, percentEncode(value));
  }
  return { subject: eventSubject(log), headers, payload: JSON.stringify({ from, next }) };
}

/**
 * Reads the announcement in a message; undefined if the message is not one. The server checks the sender's permission
 * on the subject, so the log is taken from it, and an id that names another log is refused (I9).
 */
export function fromMessage(msg: { subject: string; headers?: MsgHdrs; data: Uint8Array }): Announcement | undefined {
  const log = logOfEventSubject(msg.subject);
  const read = data.safeParse(parsed(msg.data));
  if (log === undefined || !read.success) return undefined;
  const commit = { log, ...read.data, time: attribute(msg.headers, 'time') };
  return attribute(msg.headers, 'id') === messageId(commit) ? commit : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
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

/** Encodes space, `"`, `%` and everything outside printable ASCII. @see the binding, §3.1.3.2 */
export function percentEncode(value: string): string {
  return value.replace(/[^\u0021\u0023\u0024\u0026-\u007e]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
