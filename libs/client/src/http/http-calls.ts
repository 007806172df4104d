import type { Problem } from '@bailiwick/contracts/reason';
import { linesOf } from '../lines';
import type { Understands } from '../obligations';
import { pause } from './pause';
import { ProblemError, problemOf } from './problem-error';

export interface ClientOptions {
  readonly url: string;
  /** an API key, or a run's grant token */
  readonly key: string;
  /** number of retries while the service is not ready or busy; all with the same Idempotency-Key */
  readonly retries?: number;
  /** whether requests that do not reach the service, or whose answer is lost, are retried as well; `throw` unless stated */
  readonly unreachable?: 'throw' | 'retry';
  /** ms after which a request without a whole answer counts as unreachable; left out: as long as the platform waits */
  readonly attemptMs?: number;
  /** the obligations that the caller applies; a permit with any other is a denial */
  readonly understands?: Understands;
}

/** How a single request is sent. */
export interface CallOptions {
  /** left out: a new one for each call. The same key again returns the first answer */
  readonly idempotencyKey?: string;
  /** ends the call, and its retries, with the reason of the signal */
  readonly signal?: AbortSignal;
  /** such as `traceparent` */
  readonly headers?: Readonly<Record<string, string>>;
}

interface Sent extends CallOptions {
  readonly body?: unknown;
}

const RETRIED = [429, 503];
/** The answers of a proxy that does not reach the service. */
const UNREACHABLE = [502, 504];
const LONGEST_WAIT_S = 5;
/** NaN, as of a date in `Retry-After`, is the longest wait. */
const waitMs = (seconds: number): number =>
  Math.min(Math.max(Number.isNaN(seconds) ? LONGEST_WAIT_S : seconds, 0.1), LONGEST_WAIT_S) * 1_000;

/** Empty: a request without a caller, such as the list of sign-ins. */
const KEY = /^[\x21-\x7e]*$/;
const isAddress = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
};

/** Sends requests of the HTTP contract with the caller's key, and reads their answers and problems. */
export class HttpCalls {
  /**
   * Takes an address and a key.
   * @throws TypeError for an address or a key that cannot be one, such as of a variable that is not set. Neither is in the
   * error: `fetch` would quote them in its own
   */
  constructor(protected readonly options: ClientOptions) {
    if (!isAddress(options.url)) throw new TypeError('url is not an http or https address without credentials');
    if (!KEY.test(options.key)) throw new TypeError('key is not a key: it has a space or a line break');
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.call('GET', path, options) as Promise<T>;
  }
  post<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.call('POST', path, { ...once(options), body }) as Promise<T>;
  }
  put<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.call('PUT', path, { ...once(options), body }) as Promise<T>;
  }
  delete<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.call('DELETE', path, once(options)) as Promise<T>;
  }

  /** Returns the raw response, for streams. */
  raw(path: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(this.options.url + path, { headers: { ...this.bearer, ...headers }, ...(signal ? { signal } : {}) });
  }

  /** Requests what is computed over recorded events. @throws ProblemError */
  protected async computed<Answer, Progress>(
    path: string,
    request: object,
    progress?: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const response = await fetch(this.options.url + path, {
      method: 'POST',
      headers: { ...this.bearer, 'content-type': 'application/json', accept: 'application/x-ndjson' },
      body: JSON.stringify(request),
      signal: signal ?? null,
    });
    if (!response.ok) throw problemOf(response.status, await response.text());
    return answerIn<Answer, Progress>(response, progress);
  }

  /** Requests what is streamed as lines of JSON, of which the last is the answer. @throws ProblemError */
  protected async streamed<Answer>(path: string): Promise<Answer> {
    return this.sent('GET', path, 'application/x-ndjson', {}, (response) => answerIn<Answer, object>(response));
  }

  private get bearer(): { authorization: string } {
    return { authorization: `Bearer ${this.options.key}` };
  }

  private call(method: string, path: string, options: Sent): Promise<unknown> {
    return this.sent(method, path, 'application/json, text/plain', options, async (response) => {
      const text = await response.text();
      return response.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as unknown) : text;
    });
  }

  /** @throws ProblemError if the request is refused, and so are its retries; what `fetch` throws if it fails */
  private async sent<T>(
    method: string,
    path: string,
    accept: string,
    { body, idempotencyKey, signal, headers: more }: Sent,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const headers: Record<string, string> = { ...more, ...this.bearer, accept };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
    const { unreachable = 'throw', retries = 5 } = this.options;
    for (let tries = retries; ; tries--) {
      const attempt = await this.attempt(
        { method, path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), signal },
        read,
      );
      if ('value' in attempt) return attempt.value;
      const isRetried = RETRIED.includes(attempt.status) || (unreachable === 'retry' && attempt.isUnreachable);
      if (!isRetried || tries <= 0 || signal?.aborted) throw attempt.error;
      await pause(waitMs(attempt.waitS ?? 0.1 * 2 ** Math.min(retries - tries, 5)), signal);
    }
  }

  private async attempt<T>(
    { path, signal, ...request }: { path: string; signal: AbortSignal | undefined } & RequestInit,
    read: (response: Response) => Promise<T>,
  ): Promise<{ value: T } | Failed> {
    const { url, attemptMs } = this.options;
    const ends = [...(signal ? [signal] : []), ...(attemptMs === undefined ? [] : [AbortSignal.timeout(attemptMs)])];
    try {
      const response = await fetch(url + path, { ...request, signal: AbortSignal.any(ends) });
      if (response.ok) return { value: await read(response) };
      const { status } = response;
      return {
        status,
        isUnreachable: UNREACHABLE.includes(status),
        error: problemOf(status, await response.text()),
        waitS: Number(response.headers.get('retry-after') ?? '1'),
      };
    } catch (error) {
      // a problem at the end of a stream is an answer; anything else: no answer arrived
      return { status: 0, isUnreachable: !(error instanceof ProblemError), error };
    }
  }
}

interface Failed {
  /** 0: no answer arrived */
  readonly status: number;
  readonly isUnreachable: boolean;
  readonly error: unknown;
  readonly waitS?: number;
}

const once = (options: CallOptions): CallOptions => ({ idempotencyKey: crypto.randomUUID(), ...options });

/** Returns the answer that ends a stream of progress as lines of JSON. @throws ProblemError */
async function answerIn<Answer, Progress>(
  { body }: Response,
  progress: (progress: Progress) => void = () => undefined,
): Promise<Answer> {
  for await (const line of body ? linesOf(body) : []) {
    const message = JSON.parse(line) as { progress?: Progress; answer?: Answer; problem?: Problem };
    if (message.progress) progress(message.progress);
    if (message.answer) return message.answer;
    if (message.problem) throw problemOf(message.problem.status, JSON.stringify(message.problem));
  }
  throw new ProblemError(503, 'NOT_READY', 'the service ended its response without an answer; try again');
}

/** Formats the query of a URL with its question mark; empty if every value is undefined. */
export function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
