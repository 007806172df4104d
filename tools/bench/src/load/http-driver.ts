import { connect, type Socket } from 'node:net';

/** A load to generate. Requests are complete HTTP/1.1 messages, built before the clock starts. */
export interface HttpJob {
  readonly kind: 'http';
  readonly host: string;
  readonly port: number;
  readonly requests: readonly string[];
  /** each with one request in flight at a time */
  readonly connections: number;
  readonly ms: number;
}
export interface Driven {
  /** number of responses with a 2xx status */
  readonly done: number;
  /** number of other responses, by status */
  readonly refused: Readonly<Record<string, number>>;
  /** from the first request to the last response, in milliseconds */
  readonly ms: number;
  /** of each response in milliseconds, ascending */
  readonly latencies: readonly number[];
  /** the first response without a 2xx status */
  readonly example?: string;
}

/**
 * Runs a closed loop of HTTP requests over plain sockets, the same for all contenders. It does little work per request,
 * because it shares the machine with the system under test. It reads responses with a Content-Length and chunked ones.
 *
 * @throws if the server cannot be reached or closes a connection
 */
export async function driveHttp(job: HttpJob): Promise<Driven> {
  const requests = job.requests.map((text) => Buffer.from(text));
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  let example: string | undefined;
  let next = 0;
  let done = 0;
  const started = performance.now();
  const until = started + job.ms;

  const loop = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let sentAt = 0;
      let pending: Buffer | undefined;
      const send = (): void => {
        sentAt = performance.now();
        socket.write(requests[next++ % requests.length] as Buffer);
      };
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`${job.host}:${job.port} closed the connection`)));
      socket.on('data', (chunk: Buffer) => {
        pending = pending ? Buffer.concat([pending, chunk]) : chunk;
        if (!isWhole(pending)) return;
        const now = performance.now();
        const status = pending.toString('latin1', 9, 12);
        latencies.push(now - sentAt);
        if (status.startsWith('2')) done += 1;
        else {
          refused[status] = (refused[status] ?? 0) + 1;
          example ??= pending.toString('utf8', 0, 2_000);
        }
        pending = undefined;
        if (now < until) return send();
        socket.removeAllListeners('close');
        socket.end();
        resolve();
      });
      send();
    });

  const sockets = await Promise.all(Array.from({ length: job.connections }, () => open(job.host, job.port)));
  await Promise.all(sockets.map(loop));
  const ms = performance.now() - started;
  latencies.sort((a, b) => a - b);
  return { done, refused, ms, latencies, ...(example === undefined ? {} : { example }) };
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

function isWhole(data: Buffer): boolean {
  const end = data.indexOf(HEAD_END);
  if (end < 0) return false;
  const head = data.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return data.length >= end + 4 + Number(length);
  return data.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
}

/** Formats a POST of a JSON body as it is sent over the wire. */
export function postOf(path: string, body: unknown, headers: Record<string, string> = {}): string {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}
