import { All, Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refused } from '@bailiwick/edge/refused';
import { PROOF_ALGORITHMS } from '@bailiwick/edge/tokens/grant-token';
import { Agents } from './agents';
import { AnswerStream } from './answer-stream';
import { isObject } from '../json-text';
import { NotAMessage, readMessage, type AgentMessage } from './message';
import { Methods } from './methods';
import { METADATA, sendRefusal } from './refusals';
import { revisionOf } from './revisions';

/** The MCP endpoints (Streamable HTTP): one message per request, no sessions. */
@Controller()
export class McpController {
  constructor(
    private readonly agents: Agents,
    private readonly methods: Methods,
  ) {}

  /** The metadata of each endpoint as a protected resource (RFC 9728). */
  @Get(`${METADATA}/mcp/:server`)
  metadata(@Req() { params }: FastifyRequest): Record<string, unknown> {
    const { server } = params as { server: string };
    return {
      resource: this.agents.endpoint(server).href,
      authorization_servers: [this.agents.issuer],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    };
  }

  @Get('healthz')
  health(): Record<string, unknown> {
    return { ok: true };
  }

  @All('mcp/:server')
  async handle(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { server } = request.params as { server: string };
    let id: AgentMessage['id'];
    try {
      const asking = this.agents.asking(request);
      if (request.method !== 'POST') {
        await reply.code(405).header('allow', 'POST').send();
        return;
      }
      const message = readMessage(request.body as Buffer | undefined);
      id = message?.id;
      const revision = message && revisionOf(message, request.headers);
      if (!message || revision === undefined || id === undefined) {
        if (message) this.agents.notified(asking.claims, server, message);
        await reply.code(202).send();
        return;
      }
      await this.answer(request, reply, { ...message, id }, { server, revision });
    } catch (error) {
      if (reply.sent || reply.raw.destroyed) return;
      if (!(error instanceof Refused) && !(error instanceof NotAMessage)) throw error;
      await sendRefusal(reply, this.agents.endpoint(server), id, error);
    }
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    message: AgentMessage & { id: string | number },
    { server, revision }: { server: string; revision: string },
  ): Promise<void> {
    const { claims, upstream } = this.agents.asking(request);
    const call = this.agents.begin(claims, server, message.id);
    const stream = new AnswerStream(reply, wantsStream(request, message));
    const gone = (): void => call.abort('the client has gone');
    reply.raw.once('close', gone);
    try {
      const { signal } = call;
      const notify = stream.isOpenable ? stream.notify.bind(stream) : undefined;
      const answer = await this.methods.answer(message, { claims, upstream, revision, signal, notify });
      reply.raw.off('close', gone);
      await stream.end(message.id, answer);
    } finally {
      reply.raw.off('close', gone);
      this.agents.end(claims, server, message.id, call);
    }
  }
}

/** A stream is for calls whose client asks for progress, and takes one. */
function wantsStream({ headers }: FastifyRequest, { params: { _meta: meta } }: AgentMessage): boolean {
  return isObject(meta) && meta.progressToken !== undefined && /text\/event-stream/.test(headers.accept ?? '');
}
