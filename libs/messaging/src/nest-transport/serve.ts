import type { Msg, NatsConnection } from 'nats';
import { decode, encode, encodeFailure, fromHeaders, type Headers } from './codec';
import { HandlerError, type BusFailure } from '../failure';
import { BUS_LIMITS } from '../bus-limits';
import { partHeaders } from './parts';

export interface Request {
  /** the subject to which it was sent; distinguishes requests if the served subject has wildcards */
  readonly subject: string;
  /** names in lower case */
  readonly headers: Headers;
  /**
   * Sends a part of the reply now; the return value of the handler is the last part. Only for a caller that passed
   * `onPart`: any other takes the first message for the whole reply.
   */
  part(value: unknown): void;
}

/** Answers a request with a JSON value. The payload is unchecked input: parse it. */
export type Handler = (payload: unknown, request: Request) => unknown;

export interface ServeOptions {
  /** instances that serve under one queue name share the requests */
  queue?: string;
  /** accepted and unanswered requests; the next one is answered with `BUSY` at once, and not executed */
  maxPending?: number;
  /**
   * Decides whether this instance may answer for the subject now. Called before a request is started and again before
   * its reply is sent. If it may not, the request is left to other instances that receive it, and no reply is sent, not
   * even a failure. Returning true synchronously costs nothing; a promise is awaited.
   */
  mayAnswer?: () => true | Promise<boolean>;
  /** a handler threw an exception other than a `HandlerError`, or a reply could not be sent */
  onError?: (error: unknown, subject: string) => void;
}

export interface Serving {
  readonly pending: number;
  /** accepts no more requests, and resolves when the accepted ones are answered */
  stop(): Promise<void>;
}

/**
 * Serves one subject: every request is answered exactly once, by its value or by a typed failure; or not at all, if
 * `mayAnswer` forbids it.
 */
export function serveSubject(nats: NatsConnection, subject: string, handler: Handler, options: ServeOptions): Serving {
  const maxPending = Math.min(options.maxPending ?? BUS_LIMITS.pendingDefault, BUS_LIMITS.pendingMax);
  const report = options.onError ?? (() => undefined);
  const mayAnswer = options.mayAnswer ?? (() => true as const);
  const isSilenced = async (): Promise<boolean> => {
    const may = mayAnswer();
    return may !== true && !(await may);
  };
  const running = new Set<Promise<void>>();

  const answer = async (msg: Msg): Promise<void> => {
    if (await isSilenced()) return;
    const payload = decode(msg.data);
    if (!payload.ok) return fail(msg, { code: 'BAD_REQUEST', detail: `the payload is ${payload.error}` });
    let parts: Promise<boolean> | undefined; // in order, and none after one that could not be sent
    const send = async (content: unknown, isLast: boolean): Promise<boolean> => {
      if (await isSilenced()) return false;
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
      parts.catch(() => undefined); // awaited below
    };
    const value = await handler(payload.value, { subject: msg.subject, headers: fromHeaders(msg.headers), part });
    if (parts && !(await parts)) return;
    await send(value, true);
  };

  const take = (msg: Msg): void => {
    // Without a reply subject no caller would learn the result (I4), so the request is not started.
    if (!msg.reply) return report(new Error('a request without a reply subject was dropped'), msg.subject);
    // The reply is sent with this service's rights: on a subject that others serve it would be a request from us.
    if (!msg.reply.startsWith('_INBOX'))
      return report(new Error('a request whose reply subject is not an inbox was dropped'), msg.subject);
    if (running.size >= maxPending) {
      if (mayAnswer() !== true) return;
      return fail(msg, { code: 'BUSY', detail: `${maxPending} requests are pending; try again` });
    }
    const work = answer(msg)
      .catch(async (error: unknown) => {
        if (!(error instanceof HandlerError)) report(error, msg.subject);
        if (!(await isSilenced())) fail(msg, failureOf(error));
      })
      .catch((error: unknown) => report(error, msg.subject)) // the connection is gone; the caller notices on its side
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
  // The text of an unexpected error may contain secrets; it stays in the service's log.
  return { code: 'HANDLER_FAILED', detail: 'the service failed on this request; see its log for the reason' };
}
