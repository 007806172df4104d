import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Admission } from '../auth/admission';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import type { ArgumentSource } from '../http/endpoints/endpoint';
import { EndpointRegistry, type BoundEndpoint } from '../http/endpoints/endpoint-registry';
import { toResponse, type HttpResponse } from '../http/responses/http-response';
import { Problems } from '../http/problems/problems';
import { attachContext, contextOf, type Incoming } from '../http/request-context';
import { timed } from '../reporting/metrics';
import { endpointFinder, isPlain } from './plain-requests';

/**
 * Answers plain requests without the framework: JSON of a known length, posted to a path with at most one id. Every other
 * request is the framework's. The steps and their order are those of the guards, interceptors and pipes; this class
 * contains no rule. @see README.md for measurements and the switch
 */
@Injectable()
export class FastPath {
  constructor(
    private readonly registry: EndpointRegistry,
    private readonly admission: Admission,
    private readonly limiter: ConcurrencyLimiter,
    private readonly problems: Problems,
  ) {}

  listener(framework: RequestListener): RequestListener {
    const find = endpointFinder(this.registry.endpoints);
    return (request, response) => {
      const found = isPlain(request) ? find(request.url ?? '') : undefined;
      if (!found) return framework(request, response);
      const { method = '', url = '', headers } = request;
      const head = { method, url, headers, params: found.params, query: NO_QUERY, raw: request };
      this.respond(found.endpoint, head, response).catch(() => response.destroy());
    };
  }

  private async respond(endpoint: BoundEndpoint, head: Incoming, response: ServerResponse): Promise<void> {
    const refused = await this.refusalOf(endpoint, head);
    if (refused) return write(response, refused, head);
    // A client that disconnects before its body is complete gets no response: `end` never fires.
    readBody(head.raw, (body) => {
      this.answer(endpoint, { ...head, body })
        .then((answer) => write(response, answer, head))
        .catch(() => response.destroy());
    });
  }

  /** A body is not read before its sender is admitted. */
  private async refusalOf(endpoint: BoundEndpoint, head: Incoming): Promise<HttpResponse | undefined> {
    try {
      await this.admission.admitBody(endpoint, head);
      return undefined;
    } catch (error) {
      return this.problems.ofEndpoint(endpoint, error, head);
    }
  }

  /** Runs an endpoint's handler and returns its response. Never throws. */
  async answer(endpoint: BoundEndpoint, request: Incoming): Promise<HttpResponse> {
    const started = performance.now();
    let release = (): void => undefined;
    try {
      const caller = await this.admission.authenticate(endpoint, request);
      if (endpoint.roles !== 'public') release = this.limiter.take(caller.tenant);
      attachContext(caller, request);
      const value = await endpoint.call(...endpoint.sources.map((source) => argument(source, request)));
      return toResponse(endpoint, value);
    } catch (error) {
      return this.problems.ofEndpoint(endpoint, error, request);
    } finally {
      release();
      timed(endpoint.path, (performance.now() - started) / 1_000);
    }
  }
}

const NO_QUERY = {};

function argument(source: ArgumentSource, request: Incoming): unknown {
  switch (source.from) {
    case 'context':
      return contextOf(request.raw);
    case 'path':
      return source.pipe.transform(request.params);
    case 'query':
      return source.pipe.transform(request.query);
    case 'body':
      return source.pipe.transform(request.body);
    case 'text':
      throw new Error('an endpoint that takes text is not for the fast path');
  }
}

function readBody(request: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => then(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
}

function write(response: ServerResponse, { status, headers, text }: HttpResponse, { headers: sent }: Incoming): void {
  const id = sent['x-request-id'];
  response.writeHead(status, {
    ...(typeof id === 'string' ? { 'x-request-id': id } : {}),
    ...headers,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
