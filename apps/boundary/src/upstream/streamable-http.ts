import { BOUNDARY_LIMITS } from '../limits';
import {
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
import { withToken } from './stdio';

/** A server that is reached over Streamable HTTP (MCP 2025-11-25). It is sent its own credentials and no others. */
export class HttpConnection implements Connection {
  private readonly pending = new Pending();
  private version: string | undefined;
  private session: string | undefined;
  private readonly closing = new AbortController();
  private end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));
  private readonly listeners: ((method: string, params: Record<string, unknown>) => void)[] = [];
  private answer: ClientSide['request'] = () => Promise.resolve(NO_CAPABILITY);

  constructor(
    private readonly url: string,
    private readonly credentials: Readonly<Record<string, string>>,
  ) {}

  async request(method: string, params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer> {
    const stop = new AbortController();
    const { id, answer } = this.pending.add(options, (aborted) => {
      stop.abort();
      void this.notify('notifications/cancelled', { requestId: aborted }).catch(() => undefined);
    });
    const message = { id, method, params: options.onProgress ? withToken(params, id) : params };
    this.exchange(message, stop.signal).then(
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
    const response = await this.post({ method, ...(params ? { params } : {}) }, signal);
    await response.body?.cancel();
  }

  negotiated(version: string): void {
    this.version = version;
  }

  onNotification(listener: (method: string, params: Record<string, unknown>) => void): void {
    this.listeners.push(listener);
  }

  answerBy(answer: ClientSide['request']): void {
    this.answer = answer;
  }

  listen(): void {
    const read = async (): Promise<void> => {
      const headers = { ...this.headers(), accept: 'text/event-stream' };
      const response = await fetch(this.url, { headers, redirect: 'error', signal: this.closing.signal });
      const isStream = response.ok && /^text\/event-stream/.test(response.headers.get('content-type') ?? '');
      if (!isStream || !response.body) {
        await response.body?.cancel();
        return;
      }
      for await (const data of eventsOf(response.body, BOUNDARY_LIMITS.messageBytes)) this.take(data);
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
    await fetch(this.url, { method: 'DELETE', headers: this.headers(), redirect: 'error', signal }).catch(
      () => undefined,
    );
  }

  private async exchange(message: Record<string, unknown>, stop: AbortSignal): Promise<void> {
    const response = await this.post(message, AbortSignal.any([stop, this.closing.signal]));
    const type = response.headers.get('content-type') ?? '';
    const isOver = response.status === 404 || response.status === 400;
    if (isOver && this.session !== undefined) {
      this.end(); // the session has ended: the next request opens another
      throw new NotReached('the upstream has ended the session');
    }
    if (message.method === 'initialize') this.session = response.headers.get('mcp-session-id') ?? undefined;
    if (!response.body) throw new UpstreamGone(`the upstream answered ${response.status} without a body`);
    if (type.startsWith('text/event-stream')) {
      for await (const data of eventsOf(response.body, BOUNDARY_LIMITS.messageBytes)) this.take(data);
      return;
    }
    const text = await bounded(response.body);
    const parsed = type.startsWith('application/json') ? parseMessage(text) : undefined;
    if (!parsed) throw new UpstreamGone(`the upstream answered ${response.status} without an MCP message`);
    this.take(text, parsed);
  }

  private take(text: string, message: Message | undefined = parseMessage(text)): void {
    if (!message || this.pending.take(text, message) === 'taken') return;
    const { id, method = '', params = {} } = message;
    if (id === undefined) return this.listeners.forEach((listener) => listener(method, params));
    const answering = method === 'ping' ? Promise.resolve({ result: {} }) : this.answer(method, params);
    void answering
      .then((answer) =>
        this.post(
          { id, ...answer },
          AbortSignal.any([this.closing.signal, AbortSignal.timeout(BOUNDARY_LIMITS.connectMs)]),
        ),
      )
      .then(
        (response) => response.body?.cancel(),
        () => undefined,
      );
  }

  private post(message: Record<string, unknown>, signal: AbortSignal): Promise<Response> {
    return fetch(this.url, {
      method: 'POST',
      headers: this.headers(),
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      redirect: 'error', // credentials are for this address only
      signal,
    });
  }

  private headers(): Record<string, string> {
    return {
      ...this.credentials,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(this.version === undefined ? {} : { 'mcp-protocol-version': this.version }),
      ...(this.session === undefined ? {} : { 'mcp-session-id': this.session }),
    };
  }
}

/** Failures of `fetch` before a request is sent. */
const UNSENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function failureOf(error: unknown): UpstreamGone {
  const { code } = ((error as Error).cause ?? {}) as { code?: unknown };
  // other texts may have the address, and with it a secret
  const why = `the upstream cannot be reached${typeof code === 'string' ? `: ${code}` : ''}`;
  return UNSENT.has(code) ? new NotReached(why) : new UpstreamGone(why);
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
