/**
 * Why a request over the bus got no answer. A caller fails closed on every one of them (I11).
 *
 * - `NO_RESPONDERS` nobody serves the subject
 * - `TIMEOUT` no answer in time
 * - `DISCONNECTED` no connection to the server, or it broke while waiting
 * - `BUSY` the service, or this connection, has as many requests pending as it may
 * - `TOO_LARGE` the payload or the reply is above `BUS_LIMITS.payloadBytes`
 * - `BAD_REQUEST` the service couldn't read the payload
 * - `BAD_REPLY` the reply couldn't be read
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
  /** one sentence for people; holds nothing of the payload */
  readonly detail: string;
  /** false: the request was surely not carried out; true: it may have been, only the same idempotency key is safe */
  readonly mayHaveRun: boolean;
  /** what the handler itself said with a `HandlerError` */
  readonly remote?: { readonly code: string; readonly detail: string };
}

const NEVER_RAN: ReadonlySet<BusFailureCode> = new Set(['NO_RESPONDERS', 'BUSY', 'BAD_REQUEST']);

/** A failure of a request that was sent, unless `mayHaveRun` says otherwise. */
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

/** Thrown by a handler to answer with a code and a sentence of its own. Any other throw is answered without its text. */
export class HandlerError extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
    this.name = 'HandlerError';
  }
}
