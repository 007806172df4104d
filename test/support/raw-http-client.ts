import { Agent, request } from 'node:http';

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  /** an API key, or a run's grant token */
  readonly key?: string;
  readonly body?: string;
  readonly idempotencyKey?: string;
  readonly timeoutMs: number;
  /** the caller goes away in the midst of it */
  readonly signal?: AbortSignal;
}
export interface Told {
  readonly status: number;
  readonly text: string;
}

/** One HTTP exchange over kept connections, with nothing between the caller and the wire: no retry, no parsing. */
export class Asker {
  private readonly agent: Agent;
  private readonly host: string;
  private readonly port: number;

  constructor(url: string, connections: number) {
    const { hostname, port } = new URL(url);
    this.host = hostname;
    this.port = Number(port);
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** @throws where no whole answer came: refused, reset, timed out, or called off */
  ask({ method = 'POST', path, key, body, idempotencyKey, timeoutMs, signal }: Question): Promise<Told> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { accept: 'application/json' };
      if (key !== undefined) headers.authorization = `Bearer ${key}`;
      if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
      if (body !== undefined) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = Buffer.byteLength(body);
      }
      const asked = request({ agent: this.agent, host: this.host, port: this.port, method, path, headers, signal });
      const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      asked.once('error', fail);
      asked.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('aborted', () => fail(new Error('the answer was cut off')));
        response.once('end', () => {
          clearTimeout(timer);
          if (!response.complete) return fail(new Error('the answer was cut off'));
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      asked.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
