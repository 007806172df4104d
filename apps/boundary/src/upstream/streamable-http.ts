import { setTimeout as after } from 'node:timers/promises';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { NotSent, type Outbound, type OutboundResponse } from '@bailiwick/platform/outbound/outbound';
import {
  CANNOT_ANSWER,
  NO_CAPABILITY,
  NotReached,
  UpstreamGone,
  type ClientSide,
  type Connection,
  type Message,
  type RequestOptions,
  type UpstreamAnswer,
} from './connection';
import { eventsOf } from './event-stream';
import { parseMessage, Pending } from './pending';
import type { Credentials } from './credentials';
import { headersOf, STATELESS_REVISION, withRevision } from './stateless';
import { withToken } from './stdio';

/** A server that is reached over Streamable HTTP (MCP 2026-07-28 and 2025-11-25). It is sent its own credentials and no others. */
export class HttpConnection implements Connection {
  private readonly pending = new Pending();
  private version: string | undefined;
  private session: string | undefined;
  /** what each request of the stateless revision states of its client */
  private stateless: ClientSide['capabilities'] | undefined;
  private readonly closing = new AbortController();
  private end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));
  private readonly listeners: ((method: string, params: Record<string, unknown>) => void)[] = [];
  private answer: ClientSide['request'] = () => Promise.resolve(NO_CAPABILITY);

  constructor(
    private readonly url: string,
    private readonly credentials: Credentials,
    private readonly outbound: Outbound,
  ) {}

  async request(method: string, params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer> {
    const stop = new AbortController();
    const { id, answer } = this.pending.add(options, (aborted) => {
      stop.abort();
      // in the stateless revision, the end of the connection is the cancellation
      if (this.stateless) return;
      void this.notify('notifications/cancelled', { requestId: aborted }).catch(() => undefined);
    });
    const stated = this.stateless ? withRevision(params, this.stateless) : params;
    const message = { id, method, params: options.onProgress ? withToken(stated, id) : stated };
    this.exchange(message, stop.signal, options.headers).then(
      () => this.pending.fail(id, new UpstreamGone('the upstream ended its response without an answer')),
      (error: unknown) => this.pending.fail(id, error instanceof UpstreamGone ? error : failureOf(error)),
    );
    try {
      return await answer;
    } finally {
      stop.abort(); // what follows the answer is dropped
    }
  }

  async notify(method: string, params?: Record<string, unknown>): Promise<void> {
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(BOUNDARY_LIMITS.connectMs)]);
    drop(await this.post({ method, ...(params ? { params } : {}) }, signal, headersOf(method, params ?? {})));
  }

  negotiated(version: string): void {
    this.version = version;
  }

  becomeStateless(capabilities: ClientSide['capabilities']): void {
    this.stateless = capabilities;
    this.version = STATELESS_REVISION;
  }

  onNotification(listener: (method: string, params: Record<string, unknown>) => void): void {
    this.listeners.push(listener);
  }

  answerBy(answer: ClientSide['request']): void {
    this.answer = answer;
  }

  listen(): void {
    const read = async (): Promise<void> => {
      const headers = { ...(await this.headers()), accept: 'text/event-stream' };
      const response = await this.outbound.send(this.url, { method: 'GET', headers, signal: this.closing.signal });
      const isStream = response.status === 200 && response.headers['content-type']?.startsWith('text/event-stream');
      if (isStream !== true) return drop(response);
      for await (const { data } of eventsOf(response.body, BOUNDARY_LIMITS.messageBytes))
        if (data !== '') this.take(data);
    };
    // a server need not have such a stream
    read().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.pending.failAll(new UpstreamGone('the connection is closed'));
    this.end();
    if (this.session === undefined) return;
    const signal = AbortSignal.timeout(BOUNDARY_LIMITS.stopMs);
    await this.headers()
      .then(async (headers) => drop(await this.outbound.send(this.url, { method: 'DELETE', headers, signal })))
      .catch(() => undefined);
  }

  private async exchange(
    message: { id: number; method: string; params: Record<string, unknown> },
    stop: AbortSignal,
    more: RequestOptions['headers'] = {},
  ): Promise<void> {
    const { method, params } = message;
    const headers = { ...(this.stateless ? more : {}), ...headersOf(method, params) };
    const response = await this.post(message, AbortSignal.any([stop, this.closing.signal]), headers);
    const type = response.headers['content-type'] ?? '';
    const isOver = response.status === 404 || response.status === 400;
    if (isOver && this.session !== undefined) {
      drop(response);
      this.end(); // the session has ended: the next request opens another
      throw new NotReached('the upstream has ended the session');
    }
    if (response.status === 401) {
      drop(response);
      this.credentials.refused?.();
      throw new NotReached('the upstream refused its credentials (401)');
    }
    if (response.status >= 300 && response.status < 400) {
      drop(response);
      throw new UpstreamGone(`the upstream answered with a redirect (${response.status}), which is not followed`);
    }
    if (message.method === 'initialize') this.session = sessionOf(response);
    if (type.startsWith('text/event-stream'))
      return this.follow(message.id, response, AbortSignal.any([stop, this.closing.signal]));
    const text = await bounded(response.body);
    const parsed = type.startsWith('application/json') ? parseMessage(text) : undefined;
    if (!parsed) throw new UpstreamGone(`the upstream answered ${response.status} without an MCP message`);
    // an error about the request as a whole may have no id
    this.take(text, parsed.error !== undefined && parsed.id === null ? { ...parsed, id: message.id } : parsed);
  }

  /** Reads the stream that answers a request, and takes it up again if the server ends it before the answer (SEP-1699). */
  private async follow(id: number, response: OutboundResponse, signal: AbortSignal): Promise<void> {
    let { body } = response;
    let from: string | undefined;
    let wait: number = BOUNDARY_LIMITS.retryMs;
    for (let resumed = 0; ; resumed++) {
      for await (const event of eventsOf(body, BOUNDARY_LIMITS.messageBytes)) {
        from = event.id ?? from;
        wait = Math.min(event.retry ?? wait, BOUNDARY_LIMITS.resumeMs);
        if (event.data !== '') this.take(event.data);
      }
      if (this.stateless || from === undefined || !this.pending.has(id) || resumed >= BOUNDARY_LIMITS.resumes) return;
      await after(wait, undefined, { signal, ref: false });
      const headers = { ...(await this.headers()), accept: 'text/event-stream', 'last-event-id': from };
      const next = await this.outbound.send(this.url, { method: 'GET', headers, signal });
      if (next.status !== 200 || next.headers['content-type']?.startsWith('text/event-stream') !== true)
        return drop(next);
      ({ body } = next);
    }
  }

  private take(text: string, message: Message | undefined = parseMessage(text)): void {
    if (!message || this.pending.take(text, message) === 'taken') return;
    const { id, method = '', params = {} } = message;
    if (id === undefined) return this.listeners.forEach((listener) => listener(method, params));
    const answering = method === 'ping' ? Promise.resolve({ result: {} }) : this.answer(method, params);
    void answering
      .catch(() => CANNOT_ANSWER)
      .then((answer) =>
        this.post(
          { id, ...answer },
          AbortSignal.any([this.closing.signal, AbortSignal.timeout(BOUNDARY_LIMITS.connectMs)]),
        ),
      )
      .then(drop, () => undefined);
  }

  private async post(
    message: Record<string, unknown>,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<OutboundResponse> {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    return this.outbound.send(this.url, {
      method: 'POST',
      headers: { ...(await this.headers()), ...more },
      body,
      signal,
    });
  }

  private async headers(): Promise<Record<string, string>> {
    return {
      ...(await this.credentials.headers()),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(this.version === undefined ? {} : { 'mcp-protocol-version': this.version }),
      ...(this.session === undefined ? {} : { 'mcp-session-id': this.session }),
    };
  }
}

function sessionOf({ headers }: OutboundResponse): string | undefined {
  const session = headers['mcp-session-id'];
  return typeof session === 'string' ? session : undefined;
}

/** Ends a response that is not read. */
function drop({ body }: OutboundResponse): void {
  body.on('error', () => undefined);
  body.resume(); // a short rest lets the connection be used again; a long one ends with the connection
}

function failureOf(error: unknown): UpstreamGone {
  if (error instanceof NotSent) return new NotReached(`the upstream was not reached: ${error.message}`);
  const { code } = error as { code?: unknown };
  // other texts may have the address, and with it a secret
  return new UpstreamGone(`the connection to the upstream failed${typeof code === 'string' ? `: ${code}` : ''}`);
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > BOUNDARY_LIMITS.messageBytes) throw new UpstreamGone('the upstream sent a message that is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
