import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { LIMITS } from '#kernel/limits';
import type { Incoming, Route } from './route';
import type { Told } from './server';

/**
 * The plainest requests, which are most of all: JSON of a known length, posted to a path of the table that has no
 * parameters. They are answered without the framework, which would take as long for one as a decision does. Whatever is
 * unusual about a request, if only a query, makes it the framework's: it knows what to say to it.
 */
export function directly(
  routes: readonly Route[],
  answer: (route: Route, request: Incoming) => Promise<Told | undefined>,
  otherwise: RequestListener,
): RequestListener {
  const byUrl = new Map(
    routes
      // who writes a stream needs the framework's reply
      .filter(
        ({ method, path, streams }) =>
          method === 'POST' && streams !== true && !path.replaceAll('::', '').includes(':'),
      )
      .map((route) => [route.path.replaceAll('::', ':'), route]),
  );
  return (request, response) => {
    const route = byUrl.get(request.url ?? '');
    if (!route || !isPlain(request)) return otherwise(request, response);
    const chunks: Buffer[] = [];
    // a client that goes away in between never ends: nothing is begun for it
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const { method = '', url = '', headers } = request;
      answer(route, { method, url, headers, params: NONE, query: NONE, body, raw: request })
        .then((told) => told && write(response, told, headers['x-request-id']))
        .catch(() => response.destroy());
    });
  };
}

const NONE = {};

function isPlain({ method, headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length']);
  return (
    method === 'POST' &&
    headers['content-type'] === 'application/json' &&
    headers['transfer-encoding'] === undefined &&
    length > 0 &&
    length <= LIMITS.httpBodyBytes
  );
}

function write(response: ServerResponse, { status, headers, text }: Told, id: string | string[] | undefined): void {
  response.writeHead(status, {
    ...(typeof id === 'string' ? { 'x-request-id': id } : {}),
    ...headers,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
