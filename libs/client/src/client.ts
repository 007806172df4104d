import { RecordCalls } from './calls/record-calls';

export type { Erased, EventItem, Granted, Pending, ReceiptPeriod } from './calls/answers';
export type { CallOptions, ClientOptions } from './http/http-calls';
export { ProblemError } from './http/problem-error';

/**
 * A client for orchestrators, enforcement points and operators: one method per call of the contract. Each call that
 * changes something has a separate Idempotency-Key, so that a retry returns the original response and is not charged.
 */
export class BailiwickClient extends RecordCalls {
  /** Returns a client of the same service with another key. */
  as(key: string): BailiwickClient {
    return new BailiwickClient({ ...this.options, key });
  }
  /** Returns a client with the same key that retries while the service does not answer, also if it accepts the request. */
  patient(retries = 8, attemptMs = 15_000): BailiwickClient {
    return new BailiwickClient({ ...this.options, retries, attemptMs, unreachable: 'retry' });
  }
}
