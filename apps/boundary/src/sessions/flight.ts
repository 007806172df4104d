import { UpstreamGone, type ClientAnswer, type UpstreamAnswer } from '../upstream/connection';
import { isObject } from '../json-text';
import type { Asker } from './session';

type Json = Record<string, unknown>;

/** A request that is in flight upstream, and may need input of its client: what the upstream asks is kept for an answer. */
export class Flight implements Asker {
  private readonly ending = new AbortController();
  /** aborted with its answer, after which nothing that it asked is waited for */
  private readonly over = new AbortController();
  private readonly asked = new Map<string, { method: string; params: Json; resolve: (answer: ClientAnswer) => void }>();
  private answer: Promise<UpstreamAnswer> = Promise.reject(new UpstreamGone('it was not sent'));
  private wake: () => void = () => undefined;

  /** @param given input that the client sent before it was asked, by key */
  constructor(private readonly given?: unknown) {
    this.answer.catch(() => undefined);
  }

  /** Sends the request. @param send gets the signal of the whole flight */
  start(send: (signal: AbortSignal) => Promise<UpstreamAnswer>): void {
    this.answer = send(this.ending.signal).finally(() => this.over.abort());
    this.answer.catch(() => undefined);
  }

  /** Waits for the answer, or for the input that the upstream needs; an abort of the signal ends the flight. */
  async next(signal: AbortSignal): Promise<UpstreamAnswer | 'input-needed'> {
    const abort = (): void => this.end();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const asked = new Promise<'input-needed'>((resolve) => (this.wake = () => resolve('input-needed')));
    if (this.asked.size > 0) this.wake();
    try {
      return await Promise.race([this.answer, asked]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  ask({ id: unique, key, method, params }: Parameters<Asker['ask']>[0], whole: AbortSignal): Promise<ClientAnswer> {
    const id = key !== undefined && !this.asked.has(key) ? key : unique;
    const given = inputOf(this.given, id);
    if (given) return Promise.resolve({ result: given });
    const signal = AbortSignal.any([whole, this.over.signal]);
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        this.asked.delete(id);
        reject(new UpstreamGone('the request to the client was aborted'));
      };
      if (signal.aborted) return gone();
      signal.addEventListener('abort', gone, { once: true });
      this.asked.set(id, { method, params, resolve });
      this.wake();
    });
  }

  notify(): void {
    // a call that waits has no stream
  }

  /** What the client is asked, by key. */
  get inputRequests(): Record<string, { method: string; params: Json }> {
    return Object.fromEntries([...this.asked].map(([id, { method, params }]) => [id, { method, params }]));
  }

  /** Takes the input of the client. A request that it does not answer is asked again. */
  input(responses: unknown): void {
    for (const [id, { resolve }] of this.asked) {
      const result = inputOf(responses, id);
      if (!result) continue;
      this.asked.delete(id);
      resolve({ result });
    }
  }

  end(): void {
    this.ending.abort();
  }
}

function inputOf(responses: unknown, key: string): Json | undefined {
  const result = isObject(responses) && Object.hasOwn(responses, key) ? responses[key] : undefined;
  return isObject(result) ? result : undefined;
}
