import type { FastifyReply } from 'fastify';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Asker } from '../sessions/session';
import type { ClientAnswer } from '../upstream/connection';
import type { ClientAnswers } from './client-answers';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { MethodAnswer } from './asked';

/** The response to a request: one JSON message, or a stream of events once there is another message to send before. */
export class AnswerStream implements Asker {
  private keepAlive: NodeJS.Timeout | undefined;

  constructor(
    private readonly reply: FastifyReply,
    private readonly claims: TokenClaims,
    private readonly answers: ClientAnswers,
  ) {}

  /** Opens the stream without a message. */
  start(): void {
    if (!this.keepAlive) this.open();
  }

  async ask(asked: Parameters<Asker['ask']>[0], signal: AbortSignal): Promise<ClientAnswer> {
    const { key: _, ...request } = asked;
    this.start();
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    this.reply.raw.once('close', leave);
    const answer = this.answers.wait(this.claims, request.id, AbortSignal.any([signal, gone.signal]));
    this.write(JSON.stringify({ jsonrpc: '2.0', ...request }));
    try {
      return await answer;
    } finally {
      this.reply.raw.off('close', leave);
      if (signal.aborted) this.notify('notifications/cancelled', { requestId: request.id });
    }
  }

  notify(method: string, params: Record<string, unknown>): void {
    this.start();
    if (this.reply.raw.writableLength > BOUNDARY_LIMITS.unreadBytes) return; // the client does not read
    this.write(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** Ends a stream that answers no request. */
  close(): void {
    clearInterval(this.keepAlive);
    this.reply.raw.end();
  }

  async end(id: string | number, answer: MethodAnswer): Promise<void> {
    const text =
      'result' in answer
        ? `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${answer.result}}`
        : JSON.stringify({ jsonrpc: '2.0', id, error: answer.error });
    if (this.keepAlive) {
      clearInterval(this.keepAlive);
      // an event is one line: line ends in JSON text are white space
      this.write(text.replace(/[\r\n]+/g, ' '));
      this.reply.raw.end();
      return;
    }
    if (this.reply.raw.destroyed) return;
    if (answer.session !== undefined) void this.reply.header('mcp-session-id', answer.session);
    await this.reply.code(answer.status).header('content-type', 'application/json').send(text);
  }

  private open(): void {
    this.reply.hijack();
    this.reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    // otherwise a client would wait for the head until the first message
    this.reply.raw.flushHeaders();
    this.keepAlive = setInterval(() => this.reply.raw.write(': keep-alive\n\n'), BOUNDARY_LIMITS.keepAliveMs);
    this.reply.raw.once('close', () => clearInterval(this.keepAlive));
  }

  private write(text: string): void {
    if (!this.reply.raw.destroyed) this.reply.raw.write(`event: message\ndata: ${text}\n\n`);
  }
}
