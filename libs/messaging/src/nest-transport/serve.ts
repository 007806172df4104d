import type { Msg, NatsConnection } from 'nats';
import { decode, encode, encodeFailure, fromHeaders, type Headers } from './codec';
import { HandlerError, type BusFailure } from '../failure';
import { BUS_LIMITS } from '../limits';
import { partHeaders } from './parts';

export interface Request {
  /** the subject it was sent to; tells which one where the served subject has wildcards */
  readonly subject: string;
  /** names in lower case */
  readonly headers: Headers;
  /**
   * Sends a part of the answer now; what the handler returns is its last. Only to a caller that asked with `onPart`: any
   * other takes the first message for the whole answer.
   */
  part(value: unknown): void;
}

/** Answers a request with a JSON value. The payload is unchecked input: parse it. */
export type Handler = (payload: unknown, request: Request) => unknown;

export interface ServeOptions {
  /** instances that serve under one queue name share the requests */
  queue?: string;
  /** requests taken and not yet answered; the next one is answered `BUSY` at once, and not carried out */
  maxPending?: number;
  /**
   * May this one speak for the subject, right now? Asked before a request is begun and again before its answer is given;
   * where not, it is left to others, who hear the same request: nothing is said, not even a failure. True at once
   * costs nothing; a promise is waited for.
   */
  mayAnswer?: () => true | Promise<boolean>;
  /** a handler threw what is no `HandlerError`, or a reply couldn't be sent */
  onError?: (error: unknown, subject: string) => void;
}

export interface Serving {
  readonly pending: number;
  /** takes no more requests, and resolves when those taken are answered */
  stop(): Promise<void>;
}

/**
 * One served subject: every request is answered exactly once, by its value or by a typed failure; or not at all, where
 * `mayAnswer` says so.
 */
export function serveSubject(nats: NatsConnection, subject: string, handler: Handler, options: ServeOptions): Serving {
  const maxPending = Math.min(options.maxPending ?? BUS_LIMITS.pendingDefault, BUS_LIMITS.pendingMax);
  const report = options.onError ?? (() => undefined);
  const mayAnswer = options.mayAnswer ?? (() => true as const);
  const mute = async (): Promise<boolean> => {
    const may = mayAnswer();
    return may !== true && !(await may);
  };
  const running = new Set<Promise<void>>();

  const answer = async (msg: Msg): Promise<void> => {
    if (await mute()) return;
    const payload = decode(msg.data);
    if (!payload.ok) return fail(msg, { code: 'BAD_REQUEST', detail: `the payload is ${payload.error}` });
    let parts: Promise<boolean> | undefined; // in their order, and none after one that could not be sent
    const send = async (content: unknown, isLast: boolean): Promise<boolean> => {
      if (await mute()) return false;
      const reply = encode(content);
      if (reply.ok) msg.respond(reply.value, isLast ? undefined : { headers: partHeaders() });
      else
        fail(msg, {
          code: reply.error.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'HANDLER_FAILED',
          detail: `the reply: ${reply.error.detail}`,
        });
      return reply.ok;
    };
    const part = (content: unknown): void => {
      parts = (parts ?? Promise.resolve(true)).then((sound) => sound && send(content, false));
      parts.catch(() => undefined); // it is awaited below
    };
    const value = await handler(payload.value, { subject: msg.subject, headers: fromHeaders(msg.headers), part });
    if (parts && !(await parts)) return;
    await send(value, true);
  };

  const take = (msg: Msg): void => {
    // Nobody would learn what came of it (I4), so it isn't begun.
    if (!msg.reply) return report(new Error('a request without a reply subject was dropped'), msg.subject);
    // an answer is sent with this service's rights: onto a subject that others serve it would be a request of ours
    if (!msg.reply.startsWith('_INBOX'))
      return report(new Error('a request whose reply subject is no inbox was dropped'), msg.subject);
    if (running.size >= maxPending) {
      if (mayAnswer() !== true) return;
      return fail(msg, { code: 'BUSY', detail: `${maxPending} requests are pending; try again` });
    }
    const work = answer(msg)
      .catch(async (error: unknown) => {
        if (!(error instanceof HandlerError)) report(error, msg.subject);
        if (!(await mute())) fail(msg, failureOf(error));
      })
      .catch((error: unknown) => report(error, msg.subject)) // the connection is gone: the caller learns it by itself
      .finally(() => running.delete(work));
    running.add(work);
  };

  const subscription = nats.subscribe(subject, {
    queue: options.queue,
    callback: (error, msg) => (error ? report(error, subject) : take(msg)),
  });

  return {
    get pending() {
      return running.size;
    },
    stop: async () => {
      if (!subscription.isClosed()) await subscription.drain().catch(() => undefined);
      while (running.size > 0) await Promise.all(running);
    },
  };
}

function fail(msg: Msg, failure: Pick<BusFailure, 'code' | 'detail' | 'remote'>): void {
  const { data, headers } = encodeFailure(failure);
  msg.respond(data, { headers });
}

function failureOf(error: unknown): Pick<BusFailure, 'code' | 'detail' | 'remote'> {
  if (error instanceof HandlerError) {
    return { code: 'HANDLER_FAILED', detail: error.detail, remote: { code: error.code, detail: error.detail } };
  }
  // The text of an unexpected error may hold secrets; it stays in the service's own log.
  return { code: 'HANDLER_FAILED', detail: 'the service failed on this request; its log says why' };
}
