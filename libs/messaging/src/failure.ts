/**
 * Why a request over the bus got no answer. Callers fail closed on each of them (I11).
 *
 * - `NO_RESPONDERS` no service serves the subject
 * - `TIMEOUT` no reply in time
 * - `DISCONNECTED` no connection to the server, or it broke while waiting
 * - `BUSY` the service, or this connection, has its maximum of pending requests
 * - `TOO_LARGE` the payload or the reply exceeds `BUS_LIMITS.payloadBytes`
 * - `BAD_REQUEST` the service could not read the payload
 * - `BAD_REPLY` the reply could not be read
 * - `HANDLER_FAILED` the service's handler failed
 * - `NOT_ALLOWED` the server's subject permissions forbid it
 */
export const BUS_FAILURES = [
  'NO_RESPONDERS',
  'TIMEOUT',
  'DISCONNECTED',
  'BUSY',
  'TOO_LARGE',
  'BAD_REQUEST',
  'BAD_REPLY',
  'HANDLER_FAILED',
  'NOT_ALLOWED',
] as const;
export type BusFailureCode = (typeof BUS_FAILURES)[number];

export interface BusFailure {
  readonly code: BusFailureCode;
  readonly subject: string;
  /** one sentence for people, without any content of the payload */
  readonly detail: string;
  /**
   * false: the request was certainly not executed; true: it may have been, so a retry needs the same idempotency key
   */
  readonly mayHaveRun: boolean;
  /** code and detail of a `HandlerError` of the handler */
  readonly remote?: { readonly code: string; readonly detail: string };
}

const NEVER_RAN: ReadonlySet<BusFailureCode> = new Set(['NO_RESPONDERS', 'BUSY', 'BAD_REQUEST']);

/** Builds a failure; by default the code determines `mayHaveRun`. */
export function busFailure(
  code: BusFailureCode,
  subject: string,
  detail: string,
  more: { mayHaveRun?: boolean; remote?: BusFailure['remote'] } = {},
): BusFailure {
  return {
    code,
    subject,
    detail,
    mayHaveRun: more.mayHaveRun ?? !NEVER_RAN.has(code),
    ...(more.remote && { remote: more.remote }),
  };
}

/** Thrown by a handler to reply with a code and a sentence. The text of any other exception is not sent. */
export class HandlerError extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
    this.name = 'HandlerError';
  }
}
