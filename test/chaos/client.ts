import { setTimeout as delay } from 'node:timers/promises';
import type { RawHttpClient, HttpRequest, HttpResponse } from '../support/raw-http-client';
import { difference } from '../support/difference';
import type { Random } from '../support/random';
import { isKept, type Record } from './record';

/** A request without a response for this time is a finding. */
const GIVE_UP_MS = 120_000;
/** status codes after which a client retries: the service or a proxy is not ready or too busy */
const UNANSWERED = new Set([429, 502, 503, 504]);

export interface ParsedResponse {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as any HTTP client reads it
  readonly body: any;
}
export interface ClientOptions {
  readonly http: RawHttpClient;
  /** role → API key; a string that is not a role is used as the key */
  readonly keys: Readonly<{ [role: string]: string }>;
  readonly random: Random;
  readonly record: Record;
  /** prefix of every Idempotency-Key of this client */
  readonly name: string;
}

/**
 * A client that follows the contract: every request has an Idempotency-Key and is retried with it until it is answered.
 * Some requests are sent twice concurrently, some are aborted in flight and then retried, and some are repeated after
 * their response.
 */
export class ChaosClient {
  readonly random: Random;
  readonly record: Record;
  private count = 0;

  constructor(private readonly options: ClientOptions) {
    this.random = options.random;
    this.record = options.record;
  }

  /** Sends a command. A repeated request must get the first response. */
  async post(role: string, path: string, body: unknown): Promise<ParsedResponse> {
    const key = `${this.options.name}-${(this.count += 1)}`;
    const request = { ...this.request(role, path, body), idempotencyKey: key };
    const from = performance.now();
    const response = await this.sendFirst(request);
    const { status, text } = response;
    this.record.answered({ role, path, body: request.body, key, status, text }, performance.now() - from);
    if (this.random.chance(0.08)) this.expectSame(request, response, await this.repeat(request));
    return { status, body: JSON.parse(text) };
  }

  /** Puts or deletes what the path names, which has the same effect if it is done twice; retries until it is answered. */
  async change(role: string, method: 'PUT' | 'DELETE', path: string, body?: unknown): Promise<ParsedResponse> {
    const { status, text } = await this.sendUntilAnswered({
      method,
      path,
      key: this.options.keys[role] ?? role,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status, body: JSON.parse(text) };
  }

  /** Sends a request without side effects; retries it until it is answered. */
  async query(role: string, path: string, body: unknown): Promise<ParsedResponse> {
    const { status, text } = await this.sendUntilAnswered(this.request(role, path, body));
    return { status, body: JSON.parse(text) };
  }

  private request(role: string, path: string, body: unknown): Omit<HttpRequest, 'timeoutMs'> & { body: string } {
    return { path, key: this.options.keys[role] ?? role, body: JSON.stringify(body) };
  }

  private async sendFirst(request: Omit<HttpRequest, 'timeoutMs'>): Promise<HttpResponse> {
    if (this.random.chance(0.05)) {
      const [one, other] = await Promise.all([this.sendUntilAnswered(request), this.repeat(request)]);
      this.expectSame(request, one, other);
      return one;
    }
    if (this.random.chance(0.06)) await this.sendAndAbort(request);
    return this.sendUntilAnswered(request);
  }

  /** Sends a request and aborts it after a few ms, so that the client does not know whether it was executed. */
  private async sendAndAbort(request: Omit<HttpRequest, 'timeoutMs'>): Promise<void> {
    this.record.aborted += 1;
    const aborting = new AbortController();
    const timer = setTimeout(() => aborting.abort(), this.random.between(0, 25));
    await this.options.http.send({ ...request, timeoutMs: 1_000, signal: aborting.signal }).catch(() => undefined);
    clearTimeout(timer);
  }

  private repeat(request: Omit<HttpRequest, 'timeoutMs'>): Promise<HttpResponse> {
    this.record.repeated += 1;
    return this.sendUntilAnswered(request);
  }

  private expectSame(
    { path, idempotencyKey }: Omit<HttpRequest, 'timeoutMs'>,
    one: HttpResponse,
    other: HttpResponse,
  ): void {
    const found = isKept(one) || isKept(other) ? describeDifference(one, other) : undefined;
    if (found !== undefined)
      this.record.findings.push(`${path} with key ${idempotencyKey} returned two different responses: ${found}`);
  }

  /** Retries a request until it is answered. @throws if that takes too long */
  private async sendUntilAnswered(request: Omit<HttpRequest, 'timeoutMs'>): Promise<HttpResponse> {
    const end = Date.now() + GIVE_UP_MS;
    for (let last = ''; ;) {
      this.record.tries += 1;
      const timeoutMs = this.random.between(1_000, 6_000);
      const response = await this.options.http.send({ ...request, timeoutMs }).catch((error: unknown) => {
        last = (error as Error).message;
      });
      if (response && isFinal(response)) {
        if (response.status >= 500)
          this.record.findings.push(`${request.path} responded with ${response.status}: ${response.text}`);
        return response;
      }
      if (response) last = `${response.status} ${response.text}`;
      if (Date.now() > end)
        throw new Error(`${request.path} got no response within ${GIVE_UP_MS} ms; last result: ${last}`);
      await delay(this.random.between(50, 400));
    }
  }
}

/** Describes how two responses differ; undefined if they are equal. */
export const describeDifference = (one: HttpResponse, other: HttpResponse): string | undefined =>
  difference(
    { status: one.status, body: JSON.parse(one.text) },
    { status: other.status, body: JSON.parse(other.text) },
  );

/** Checks that a response is final. A batch with an undecided action is not: the client repeats it with the same key. */
function isFinal({ status, text }: HttpResponse): boolean {
  if (UNANSWERED.has(status)) return false;
  if (!text.startsWith('{"answers":')) return true;
  const { answers } = JSON.parse(text) as { answers: { error?: { status: number } }[] };
  return answers.every(({ error }) => error === undefined || !UNANSWERED.has(error.status));
}
