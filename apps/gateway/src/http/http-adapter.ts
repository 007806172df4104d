import { createServer, type RequestListener, type Server } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { HttpResponse, problemResponse, send, Streamed } from './responses/http-response';
import { Refused } from './problems/problem';

const ID_LENGTH_MAX = 200;

/** Nest over Fastify, with the bounds of this service, and with handlers' responses as they are. */
export class HttpAdapter extends FastifyAdapter {
  constructor() {
    let listener: RequestListener;
    super({
      serverFactory: (framework: RequestListener) => {
        listener = framework;
        return makeServer((request, response) => listener(request, response));
      },
      bodyLimit: LIMITS.httpBodyBytes,
      skipMiddie: true, // no middleware is used
      forceCloseConnections: true,
      routerOptions: { maxParamLength: ID_LENGTH_MAX },
      frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
        void send(reply, problemResponse('none', unroutable(error))),
    });
    this.intercept = (make) => {
      listener = make(listener);
    };
  }

  /** Puts a listener in front of the framework's, which it calls for the requests that it does not answer. */
  readonly intercept: (make: (framework: RequestListener) => RequestListener) => void;

  override reply(response: FastifyReply, body: unknown, status?: number): FastifyReply {
    if (body instanceof Streamed) return response; // its handler has written it
    if (body instanceof HttpResponse) return send(response, body);
    return super.reply(response, body, status);
  }
}

function makeServer(listener: RequestListener): Server {
  const server = createServer(
    {
      keepAliveTimeout: 65_000,
      headersTimeout: LIMITS.httpHeadMs,
      requestTimeout: LIMITS.httpRequestMs,
      connectionsCheckingInterval: 1_000,
    },
    listener,
  );
  server.maxConnections = LIMITS.httpConnections;
  return server;
}

/** A path that the router cannot match: an id longer than any, or a malformed URL. */
function unroutable(error: FastifyError): Refused {
  return error.code === 'FST_ERR_MAX_PARAM_LENGTH'
    ? new Refused('NOT_FOUND', `no id is longer than ${ID_LENGTH_MAX} characters`)
    : new Refused('BAD_REQUEST', error.message);
}
