import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import type { Incoming, Route } from '../http/route';
import type { Told } from '../http/server';

/**
 * The plainest requests, which are most of all: JSON of a known length, posted to a path of the table that has no
 * parameters but one id. They are answered without the framework, which would take as long for one as a decision does. Whatever is
 * unusual about a request, if only a query, makes it the framework's: it knows what to say to it.
 */
export function directly(
  routes: readonly Route[],
  answer: (route: Route, request: Incoming) => Promise<Told | undefined>,
  otherwise: RequestListener,
  refusedAtHead: (route: Route, request: Incoming) => Promise<Told | undefined> = () => Promise.resolve(undefined),
): RequestListener {
  const find = finder(routes);
  return (request, response) => {
    const found = isPlain(request) ? find(request.url ?? '') : undefined;
    if (!found) return otherwise(request, response);
    const { route, params } = found;
    const { method = '', url = '', headers } = request;
    const head = { method, url, headers, params, query: NONE, raw: request };
    const tell = (told: Told | undefined): void => told && write(response, told, headers['x-request-id']);
    const read = (): void =>
      withBody(request, (body) => {
        answer(route, { ...head, body })
          .then(tell)
          .catch(() => response.destroy());
      });
    // nothing of a body is read before its sender is known
    refusedAtHead(route, head)
      .then((refused) => (refused ? tell(refused) : read()))
      .catch(() => response.destroy());
  };
}

/** A client that goes away in between never ends: nothing is begun for it. */
function withBody(request: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => then(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
}

const NONE = {};

interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** By their paths, and by what is before and after an id that needs no decoding. */
function finder(routes: readonly Route[]): (url: string) => Found | undefined {
  const plain = new Map<string, Found>();
  const around = new Map<string, Route>();
  for (const route of routes) {
    // who writes a stream needs the framework's reply; a text has a bound of its own, which the framework holds
    if (route.method !== 'POST' || route.streams === true || route.takesText !== undefined) continue;
    const path = route.path.replaceAll('::', '\0');
    if (!path.includes(':')) plain.set(path.replaceAll('\0', ':'), { route, params: NONE });
    else if (path.split(':').length === 2 && path.includes('/:id/')) around.set(route.path, route);
  }
  return (url) => {
    const [, before, id, after] = AROUND_ID.exec(url) ?? [];
    const route = id === undefined ? undefined : around.get(`${before}/:id/${after}`);
    return route ? { route, params: { id: id as string } } : plain.get(url);
  };
}

const AROUND_ID = /^(\/[\w/-]{1,40})\/(\w{1,100})\/(\w{1,40})$/;

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
