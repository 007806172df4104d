import { isUtf8 } from 'node:buffer';
import { headers as newHeaders, type Msg, type MsgHdrs } from 'nats';
import { err, ok, type Result } from '@bailiwick/core/result';
import { BUS_FAILURES, busFailure, type BusFailure, type BusFailureCode } from '../failure';
import { BUS_LIMITS } from '../limits';

/**
 * The wire form of a request and its reply: UTF-8 JSON, nothing for `undefined`. A reply that is a failure says so in
 * the headers that NATS services use for it, and repeats it in its body.
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

/** A JSON value as bytes; refused above `BUS_LIMITS.payloadBytes`, or where it has no JSON form. */
export function encode(value: unknown): Result<Uint8Array, { code: 'TOO_LARGE' | 'BAD_REQUEST'; detail: string }> {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return err({ code: 'BAD_REQUEST', detail: 'the value has no JSON form' });
  }
  const bytes = Buffer.from(text ?? '');
  if (bytes.length > BUS_LIMITS.payloadBytes) {
    return err({
      code: 'TOO_LARGE',
      detail: `${bytes.length} bytes are more than the ${BUS_LIMITS.payloadBytes} a message may have`,
    });
  }
  return ok(bytes);
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();

/** Bytes as the JSON value they hold; a failure where they are no UTF-8 JSON. No bytes are `undefined`. */
export function decode(bytes: Uint8Array): Result<unknown, string> {
  if (bytes.length === 0) return ok(undefined);
  if (bytes.length > BUS_LIMITS.payloadBytes) return err(`${bytes.length} bytes are more than a message may have`);
  try {
    return isUtf8(bytes) ? ok(JSON.parse(textOf(bytes))) : err('not UTF-8 JSON');
  } catch {
    return err('not UTF-8 JSON');
  }
}

/** Header names are kept as they are; a name or value that could end a header line is refused. */
export function toHeaders(record: Headers): MsgHdrs {
  const headers = newHeaders();
  for (const [name, value] of Object.entries(record)) {
    if (!/^[A-Za-z0-9-]+$/.test(name)) throw new Error(`not a header name: ${JSON.stringify(name)}`);
    headers.set(name, value);
  }
  return headers;
}

/** Names in lower case: header names have no case of their own. The first value of each. */
export function fromHeaders(headers: MsgHdrs | undefined): Headers {
  const record: Record<string, string> = {};
  for (const [name, values] of headers ?? []) record[name.toLowerCase()] ??= values[0] ?? '';
  return record;
}

/** The failure as a reply. */
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

/** What a reply says: a value, or the failure that its service reported. */
export function readReply(subject: string, msg: Msg): Result<unknown, BusFailure> {
  const body = decode(msg.data);
  if (!body.ok) return err(busFailure('BAD_REPLY', subject, `the reply is unreadable: ${body.error}`));
  if (!msg.headers?.has(ERROR_CODE)) return ok(body.value);
  const said = body.value as
    { code?: unknown; detail?: unknown; remote?: { code?: unknown; detail?: unknown } } | undefined;
  const code = BUS_FAILURES.find((known) => known === said?.code);
  if (code === undefined)
    return err(busFailure('HANDLER_FAILED', subject, 'the service answered with an error of no known form'));
  const detail = typeof said?.detail === 'string' ? said.detail : code;
  const remote = said?.remote;
  if (typeof remote?.code !== 'string' || typeof remote.detail !== 'string')
    return err(busFailure(code, subject, detail));
  return err(busFailure(code, subject, detail, { remote: { code: remote.code, detail: remote.detail } }));
}
