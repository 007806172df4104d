import type { INestApplicationContext } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import { Agents } from './http/agents';
import { sendRefusal } from './http/refusals';

/** Admits requests before their bodies are read, and reads bodies as bytes. Call this before the routes are registered. */
export function configureHttp(app: NestFastifyApplication & INestApplicationContext): void {
  const fastify = app.getHttpAdapter().getInstance();
  const agents = app.get(Agents);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: LIMITS.httpBodyBytes },
    (_request: FastifyRequest, body: Buffer, done: (error: null, body: Buffer) => void) => done(null, body),
  );
  fastify.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const { server } = request.params as { server?: string };
    if (server === undefined || !request.url.startsWith('/mcp/')) return;
    try {
      await agents.admit(request);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await sendRefusal(reply, agents.endpoint(server), undefined, error);
    }
  });
}
