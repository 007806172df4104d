import { All, Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refused } from '@bailiwick/edge/refused';
import { PROOF_ALGORITHMS, type TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { LiveLeases } from '../calls/live-leases';
import { Seals } from '../calls/seals';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { Sessions, type HeldSession } from '../sessions/sessions';
import { Agents } from './agents';
import { AnswerStream } from './answer-stream';
import { ClientAnswers } from './client-answers';
import { clientOf, type KnownClient } from './clients';
import { NotAMessage, readMessage, type AgentMessage } from './message';
import { Methods } from './methods';
import { METADATA, sendRefusal } from './refusals';
import { revisionOf } from './revisions';

/** The MCP endpoints (Streamable HTTP): one message per request; a session is kept by its client alone. */
@Controller()
export class McpController {
  constructor(
    private readonly agents: Agents,
    private readonly methods: Methods,
    private readonly sessions: Sessions,
    private readonly seals: Seals,
    private readonly leases: LiveLeases,
  ) {}

  private readonly answers = new ClientAnswers();

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
      if (request.method === 'GET' && request.headers['mcp-session-id'] !== undefined)
        return await this.stream(request, reply, server);
      if (request.method === 'DELETE' && request.headers['mcp-session-id'] !== undefined) {
        this.sessions.end({ ...asking, ...this.clientOf(request, asking.claims, server) });
        await reply.code(200).send();
        return;
      }
      if (request.method !== 'POST') {
        await reply.code(405).header('allow', 'POST').send();
        return;
      }
      const message = readMessage(request.body as Buffer | undefined);
      if ('answer' in message) {
        this.answers.take(asking.claims, message);
        await reply.code(202).send();
        return;
      }
      id = message.id;
      const revision = revisionOf(message, request.headers);
      if (id === undefined) {
        this.agents.notified({ ...asking, server, session: sessionOf(request) }, message);
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
    const known = this.clientOf(request, claims, server, { revision, params: message.params });
    const { session, release } =
      message.method === 'initialize' ? NO_SESSION : await this.sessions.hold({ claims, upstream, ...known });
    const { call, end } = this.agents.begin({ claims, server, session: sessionOf(request) }, message.id);
    const opened = new AnswerStream(reply, claims, this.answers);
    const gone = (): void => call.abort('the client has gone');
    reply.raw.once('close', gone);
    if (reply.raw.destroyed) gone(); // it has closed already, and does not close again
    try {
      const { signal } = call;
      const stream = takesStream(request) ? opened : undefined;
      const { capabilities } = known;
      const { headers } = request;
      const asked = { claims, upstream, revision, headers, capabilities, session, signal, stream };
      const answer = await this.methods.answer(message, asked);
      reply.raw.off('close', gone);
      await opened.end(message.id, answer);
    } finally {
      reply.raw.off('close', gone);
      end();
      release();
    }
  }

  /** @throws NotAMessage for a session of another run or server, or one that has ended */
  private clientOf(
    request: FastifyRequest,
    claims: TokenClaims,
    server: string,
    message?: Parameters<typeof clientOf>[3],
  ): KnownClient {
    const known = clientOf(this.seals, request, { claims, server }, message);
    if (this.sessions.hasEnded(known.client))
      throw new NotAMessage(404, -32001, 'the session has ended; initialize again');
    return known;
  }

  /**
   * Opens the stream of messages that belong to no request (revisions with `initialize`). It ends with its lease, and after
   * the time that a call may take: what the session announces is decided again when its client opens another.
   */
  private async stream(request: FastifyRequest, reply: FastifyReply, server: string): Promise<void> {
    const { claims, upstream } = this.agents.asking(request);
    const known = this.clientOf(request, claims, server);
    const stream = new AnswerStream(reply, claims, this.answers);
    const ending = new AbortController();
    // before the lease is read for the session: a revocation after that would be reported as enforced
    const watched = this.leases.watch(claims.tenant, claims.grantId, ending);
    const ends = [() => watched.end()];
    const leave = (): void => {
      for (const each of ends) each();
    };
    try {
      const { session, release } = takesStream(request)
        ? await this.sessions.hold({ claims, upstream, ...known })
        : NO_SESSION;
      ends.push(release);
      if (reply.raw.destroyed) return leave(); // a client that has gone before does not close again
      if (!session) {
        leave();
        await reply.code(405).header('allow', 'POST').send();
        return;
      }
      ends.push(session.attach(stream, 'stream'));
      reply.raw.once('close', leave);
      stream.start();
      ends.push(onAbort(session.closed.signal, () => stream.close()));
      const timer = setTimeout(() => stream.close(), BOUNDARY_LIMITS.callMs).unref();
      ends.push(() => clearTimeout(timer));
      onAbort(ending.signal, () => session.close());
    } catch (error) {
      leave();
      throw error;
    }
  }
}

/** Calls a listener when the signal is aborted, at once if it is already. @returns what removes the listener */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

const sessionOf = ({ headers }: FastifyRequest): string | undefined => {
  const session = headers['mcp-session-id'];
  return typeof session === 'string' ? session : undefined;
};
const NO_SESSION: HeldSession = { session: undefined, release: () => undefined };
const takesStream = ({ headers }: FastifyRequest): boolean => /text\/event-stream/.test(headers.accept ?? '');
