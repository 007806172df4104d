import { Agent, request } from 'node:http';

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** an API key, or a run's grant token */
  readonly key?: string;
  readonly body?: string;
  readonly idempotencyKey?: string;
  readonly timeoutMs: number;
  /** aborts the request before its response is complete */
  readonly signal?: AbortSignal;
}
export interface HttpResponse {
  readonly status: number;
  readonly text: string;
}

/** Sends single HTTP requests over keep-alive connections. It does not retry and does not parse the response. */
export class RawHttpClient {
  private readonly agent: Agent;
  private readonly host: string;
  private readonly port: number;

  constructor(url: string, connections: number) {
    const { hostname, port } = new URL(url);
    this.host = hostname;
    this.port = Number(port);
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** @throws if no complete response arrives: the connection is refused or reset, or the request times out or is aborted */
  send({ method = 'POST', path, key, body, idempotencyKey, timeoutMs, signal }: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { accept: 'application/json' };
      if (key !== undefined) headers.authorization = `Bearer ${key}`;
      if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
      if (body !== undefined) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = Buffer.byteLength(body);
      }
      const outgoing = request({ agent: this.agent, host: this.host, port: this.port, method, path, headers, signal });
      const timer = setTimeout(() => outgoing.destroy(new Error(`no response within ${timeoutMs} ms`)), timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      outgoing.once('error', fail);
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('aborted', () => fail(new Error('the response ended early')));
        response.once('end', () => {
          clearTimeout(timer);
          if (!response.complete) return fail(new Error('the response ended early'));
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
