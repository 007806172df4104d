import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Logger } from '@bailiwick/platform/logging';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import {
  CANNOT_ANSWER,
  NO_CAPABILITY,
  NotReached,
  UpstreamGone,
  type ClientSide,
  type Connection,
  type RequestOptions,
  type UpstreamAnswer,
} from './connection';
import { parseMessage, Pending } from './pending';
import { withRevision } from './stateless';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** the whole environment */
  readonly env: Readonly<Record<string, string>>;
  /** the user that it runs as, if this process may choose one */
  readonly user?: { readonly uid: number; readonly gid: number };
}

const NEWLINE = 0x0a;

/** A server that runs as a child process and exchanges lines of JSON over standard input and output. */
export class StdioConnection implements Connection {
  readonly ended: Promise<void>;
  private readonly pending = new Pending();
  private readonly listeners: ((method: string, params: Record<string, unknown>) => void)[] = [];
  private answer: ClientSide['request'] = () => Promise.resolve(NO_CAPABILITY);
  private readonly child: ChildProcessWithoutNullStreams;
  private chunks: Buffer[] = [];
  private bytes = 0;
  /** what each request of the stateless revision states of its client */
  private stateless: ClientSide['capabilities'] | undefined;
  private hasEnded = false;

  constructor(
    program: Program,
    private readonly logger: Logger,
  ) {
    const child = spawn(program.command, [...program.args], {
      env: { ...program.env },
      ...program.user,
      stdio: ['pipe', 'pipe', 'pipe'],
      // its own process group, so that what it has started ends with it
      detached: true,
    });
    this.child = child;
    this.ended = new Promise((resolve) => {
      const end = (why: string) => (): void => {
        this.hasEnded = true;
        this.pending.failAll(new UpstreamGone(why));
        resolve();
      };
      child.once('error', end('the upstream could not be started'));
      child.once('close', end('the upstream has ended'));
    });
    child.stdin.on('error', () => undefined); // `close` follows
    child.stdout.on('data', (chunk: Buffer) => this.read(chunk));
    child.stderr.on('data', (chunk: Buffer) =>
      logger.debug({ upstream: program.command }, chunk.toString().slice(0, BOUNDARY_LIMITS.logLineChars)),
    );
  }

  request(method: string, params: Record<string, unknown>, options: RequestOptions): Promise<UpstreamAnswer> {
    if (this.hasEnded) return Promise.reject(new NotReached('the upstream has ended'));
    const stated = this.stateless ? withRevision(params, this.stateless) : params;
    const { id, answer } = this.pending.add(options, (aborted) =>
      this.send({ method: 'notifications/cancelled', params: { requestId: aborted } }),
    );
    this.send({ id, method, params: options.onProgress ? withToken(stated, id) : stated });
    return answer;
  }

  async notify(method: string, params?: Record<string, unknown>): Promise<void> {
    this.send({ method, ...(params ? { params } : {}) });
  }

  negotiated(): void {
    // lines carry no version
  }

  becomeStateless(capabilities: ClientSide['capabilities']): void {
    this.stateless = capabilities;
  }

  onNotification(listener: (method: string, params: Record<string, unknown>) => void): void {
    this.listeners.push(listener);
  }

  answerBy(answer: ClientSide['request']): void {
    this.answer = answer;
  }

  listen(): void {
    // lines have all messages
  }

  async close(): Promise<void> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.kill('SIGKILL'), BOUNDARY_LIMITS.stopMs);
    this.kill('SIGTERM');
    await this.ended;
    clearTimeout(timer);
  }

  private kill(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // it has ended
    }
  }

  private send(message: Record<string, unknown>): void {
    if (this.child.stdin.writable) this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  private read(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.chunks.push(chunk.subarray(from, at));
      const line = Buffer.concat(this.chunks).toString();
      this.chunks = [];
      this.bytes = 0;
      from = at + 1;
      this.take(line);
    }
    this.chunks.push(chunk.subarray(from));
    this.bytes += chunk.length - from;
    if (this.bytes <= BOUNDARY_LIMITS.messageBytes) return;
    this.chunks = [];
    this.pending.failAll(new UpstreamGone('the upstream sent a message that is too large'));
    this.kill('SIGKILL');
  }

  /** Takes a message. One that this process fails at is dropped: nothing that a server sends may end all servers. */
  private take(line: string): void {
    try {
      this.handle(line);
    } catch (error) {
      this.logger.warn({ err: error }, 'a message of an upstream MCP server was dropped');
    }
  }

  private handle(line: string): void {
    const message = parseMessage(line);
    if (!message || this.pending.take(line, message) === 'taken') return;
    const { id, method = '', params = {} } = message;
    if (id === undefined) return this.listeners.forEach((listener) => listener(method, params));
    if (method === 'ping') return this.send({ id, result: {} });
    void this.answer(method, params)
      .catch(() => CANNOT_ANSWER)
      .then((answer) => this.send({ id, ...answer }))
      .catch((error: unknown) => this.logger.warn({ err: error }, 'a request of an upstream MCP server has no answer'));
  }
}

/** Adds the id of a request as its progress token, whatever token the agent chose. */
export function withToken(params: Record<string, unknown>, progressToken: number): Record<string, unknown> {
  const { _meta } = params as { _meta?: Record<string, unknown> };
  return { ...params, _meta: { ..._meta, progressToken } };
}
