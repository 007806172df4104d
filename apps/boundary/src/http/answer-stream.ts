import type { FastifyReply } from 'fastify';
import { BOUNDARY_LIMITS } from '../limits';
import type { MethodAnswer } from './methods';

/** The response to a request: one JSON message, or a stream of events once there is a notification to send. */
export class AnswerStream {
  private keepAlive: NodeJS.Timeout | undefined;

  constructor(
    private readonly reply: FastifyReply,
    readonly isOpenable: boolean,
  ) {}

  notify(method: string, params: Record<string, unknown>): void {
    if (!this.keepAlive) this.open();
    this.write(JSON.stringify({ jsonrpc: '2.0', method, params }));
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
    await this.reply.code(answer.status).header('content-type', 'application/json').send(text);
  }

  private open(): void {
    this.reply.hijack();
    this.reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.keepAlive = setInterval(() => this.reply.raw.write(': keep-alive\n\n'), BOUNDARY_LIMITS.keepAliveMs);
    this.reply.raw.once('close', () => clearInterval(this.keepAlive));
  }

  private write(text: string): void {
    if (!this.reply.raw.destroyed) this.reply.raw.write(`event: message\ndata: ${text}\n\n`);
  }
}
