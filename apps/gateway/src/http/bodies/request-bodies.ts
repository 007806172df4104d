import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { Admission } from '../../auth/admission';
import { bodyLimitOf } from '../endpoints/endpoint';
import { EndpointRegistry } from '../endpoints/endpoint-registry';

/**
 * Reads bodies as bytes, up to the limit of the endpoint, and only after the sender is admitted.
 * Guards come too late for this: they run after the body has been read.
 */
@Injectable()
export class RequestBodies {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly admission: Admission,
  ) {}

  /** Call this before routes are registered. */
  configure(app: FastifyInstance): void {
    app.addHook('onRequest', (request, reply, done) => {
      // @see AuthZEN Authorization API 1.0, Request Identification
      const id = request.headers['x-request-id'];
      if (typeof id === 'string') reply.header('x-request-id', id);
      done();
    });
    app.addHook('onRoute', (route) => {
      const endpoint = this.registry.find(String(route.method), route.url);
      if (!endpoint) return;
      route.bodyLimit = bodyLimitOf(endpoint);
      route.preParsing = async (request: FastifyRequest) => {
        await this.admission.admitBody(endpoint, request);
      };
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: LIMITS.httpBodyBytes },
      (_request, body, done) => done(null, body),
    );
    app.addContentTypeParser('*', (request, payload, done) => {
      const limit = this.registry.find(request.method, request.routeOptions.url)?.takesText;
      if (limit !== undefined) return void readUpTo(payload, limit).then((body) => done(null, body), done);
      if (request.is404) return done(null);
      done(failure(415, 'the content type is not supported'));
    });
  }
}

const failure = (statusCode: number, message: string): Error => Object.assign(new Error(message), { statusCode });

async function readUpTo(payload: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = failure(413, 'the body is too large');
  if (Number(payload.headers?.['content-length'] ?? 0) > limit) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
