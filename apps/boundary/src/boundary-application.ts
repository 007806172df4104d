import type { INestApplicationContext } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import { Agents } from './http/agents';
import { sendRefusal } from './http/refusals';
import { RequestSlots } from './plain/request-slots';

/** Admits requests before their bodies are read, and reads bodies as bytes. Call this before the routes are registered. */
export function configureHttp(app: NestFastifyApplication & INestApplicationContext, slots = new RequestSlots()): void {
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
      const { claims } = await agents.admit(request);
      const leave = slots.take(claims, request.raw, LIMITS.httpBodyBytes);
      reply.raw.once('close', leave);
      if (reply.raw.destroyed) leave(); // it has closed already, and does not close again
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await sendRefusal(reply, agents.endpoint(server), undefined, error);
    }
  });
}
