import { isUtf8 } from 'node:buffer';
import { headers as newHeaders, type Msg, type MsgHdrs } from 'nats';
import { err, ok, type Result } from '@bailiwick/core/result';
import { BUS_FAILURES, busFailure, type BusFailure, type BusFailureCode } from '../failure';
import { BUS_LIMITS } from '../bus-limits';

/**
 * Encodes a request and its reply: UTF-8 JSON, empty for `undefined`. A failure is marked in the headers that NATS
 * services use for it, and repeated in the body.
 *
 * @see NATS ADR-32, Service API
 */

const ERROR_CODE = 'Nats-Service-Error-Code';
const ERROR_TEXT = 'Nats-Service-Error';
const STATUS: Partial<Record<BusFailureCode, number>> = {
  BAD_REQUEST: 400,
  TOO_LARGE: 413,
  BUSY: 429,
  HANDLER_FAILED: 500,
};

export type Headers = Readonly<Record<string, string>>;

/** Encodes a JSON value as bytes; refused above `BUS_LIMITS.payloadBytes`, or if it has no JSON representation. */
export function encode(value: unknown): Result<Uint8Array, { code: 'TOO_LARGE' | 'BAD_REQUEST'; detail: string }> {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return err({ code: 'BAD_REQUEST', detail: 'the value has no JSON representation' });
  }
  const bytes = Buffer.from(text ?? '');
  if (bytes.length > BUS_LIMITS.payloadBytes) {
    return err({
      code: 'TOO_LARGE',
      detail: `the message has ${bytes.length} bytes; the maximum is ${BUS_LIMITS.payloadBytes}`,
    });
  }
  return ok(bytes);
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();

/** Decodes bytes as JSON; fails unless they are UTF-8 JSON. No bytes are `undefined`. */
export function decode(bytes: Uint8Array): Result<unknown, string> {
  if (bytes.length === 0) return ok(undefined);
  if (bytes.length > BUS_LIMITS.payloadBytes) return err(`larger (${bytes.length} bytes) than a message may be`);
  try {
    return isUtf8(bytes) ? ok(JSON.parse(textOf(bytes))) : err('not UTF-8 JSON');
  } catch {
    return err('not UTF-8 JSON');
  }
}

/** Builds headers; names keep their case. A name or value that could end a header line is refused. */
export function toHeaders(record: Headers): MsgHdrs {
  const headers = newHeaders();
  for (const [name, value] of Object.entries(record)) {
    if (!/^[A-Za-z0-9-]+$/.test(name)) throw new Error(`not a header name: ${JSON.stringify(name)}`);
    headers.set(name, value);
  }
  return headers;
}

/** Reads the first value of each header. Names are in lower case, since header names ignore case. */
export function fromHeaders(headers: MsgHdrs | undefined): Headers {
  const record: Record<string, string> = {};
  for (const [name, values] of headers ?? []) record[name.toLowerCase()] ??= values[0] ?? '';
  return record;
}

/** Encodes a failure as a reply. */
export function encodeFailure(failure: Pick<BusFailure, 'code' | 'detail' | 'remote'>): {
  data: Uint8Array;
  headers: MsgHdrs;
} {
  const { code, detail, remote } = failure;
  const headers = newHeaders();
  headers.set(ERROR_CODE, String(STATUS[code] ?? 500));
  headers.set(ERROR_TEXT, code);
  return { data: Buffer.from(JSON.stringify({ code, detail, ...(remote && { remote }) })), headers };
}

/** Reads a reply: a value, or the failure that its service reported. */
export function readReply(subject: string, msg: Msg): Result<unknown, BusFailure> {
  const body = decode(msg.data);
  if (!body.ok) return err(busFailure('BAD_REPLY', subject, `the reply is unreadable: ${body.error}`));
  if (!msg.headers?.has(ERROR_CODE)) return ok(body.value);
  const failure = body.value as
    { code?: unknown; detail?: unknown; remote?: { code?: unknown; detail?: unknown } } | undefined;
  const code = BUS_FAILURES.find((known) => known === failure?.code);
  if (code === undefined)
    return err(busFailure('HANDLER_FAILED', subject, 'the service replied with an error of unknown form'));
  const detail = typeof failure?.detail === 'string' ? failure.detail : code;
  const remote = failure?.remote;
  if (typeof remote?.code !== 'string' || typeof remote.detail !== 'string')
    return err(busFailure(code, subject, detail));
  return err(busFailure(code, subject, detail, { remote: { code: remote.code, detail: remote.detail } }));
}
