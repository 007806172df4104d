import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Logger } from '@bailiwick/platform/logging';
import { readHeaders, type Headers } from './head';
import { PLAIN_LIMITS } from './plain-limits';
import { RequestSlots } from './request-slots';
import { Denied, sendProblem } from './problems';

/** A request of an agent, or of a proxy that asks about one. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** the target as it was sent */
  readonly url: string;
  readonly headers: Headers;
  /** aborted when the client goes away */
  readonly client: AbortSignal;
  /** Takes a place for the sender once it is known, until the request ends. Call it before the body is read. @throws Refused */
  readonly admit: (sender: Pick<TokenClaims, 'tenant' | 'grantId'>) => void;
}

/** The handler of the requests of one kind of address. */
export interface Endpoint {
  /** the start of its paths, such as `/http/`; undefined for absolute addresses, as clients send them to a proxy */
  readonly prefix: string | undefined;
  /** it is asked by proxies, which state the request in headers */
  readonly isForProxies?: boolean;
  /** its clients read errors in the form of OpenAI's API */
  readonly isForModels?: boolean;
  /** @throws Refused, Denied */
  handle(asked: Asked): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Takes plain HTTP requests from the server of the boundary ahead of its framework, which would normalize their addresses.
 */
export class Front {
  private endpoints: readonly Endpoint[] = [];
  private logger: Logger | undefined;
  private inFlight = 0;
  /** shared with the requests of MCP */
  readonly slots = new RequestSlots();
  /** connections on which a request was ambiguous: nothing else that was sent on them is taken for a request */
  private readonly refused = new WeakSet<Socket>();

  use(endpoints: readonly Endpoint[], logger: Logger): void {
    this.endpoints = endpoints;
    this.logger = logger;
  }

  /** Makes the server. @param others handles all other requests */
  serve(others: Handler, options: ServerOptions = {}): Server {
    const server = createServer(
      { headersTimeout: LIMITS.httpHeadMs, requestTimeout: LIMITS.httpRequestMs, ...options },
      (request, response) => {
        const endpoint = this.endpointOf(request.url ?? '');
        if (endpoint) void this.handle(endpoint, request, response);
        else others(request, response);
      },
    );
    server.maxConnections = LIMITS.httpConnections;
    // a tunnel cannot be decided: nothing in it can be read
    server.on('connect', (_request, socket) =>
      socket.end('HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
    );
    return server;
  }

  private endpointOf(url: string): Endpoint | undefined {
    return this.endpoints.find(({ prefix }) => (prefix === undefined ? !url.startsWith('/') : url.startsWith(prefix)));
  }

  private async handle(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.refused.has(request.socket)) return void response.destroy();
    const client = new AbortController();
    response.once('close', () => client.abort('the client has gone'));
    request.on('error', () => client.abort('the client has gone'));
    this.inFlight += 1;
    let leave = (): void => undefined;
    const admit: Asked['admit'] = (sender) => {
      leave = this.slots.take(sender, request, PLAIN_LIMITS.bodyBytes);
    };
    try {
      if (this.inFlight > LIMITS.httpRequests) throw new Refused('TOO_MANY', 'too many requests are in flight');
      const headers = readHeaders(request.rawHeaders, endpoint.isForProxies);
      if (!headers.ok) {
        this.refused.add(request.socket);
        throw new Refused('BAD_REQUEST', `the request is ambiguous: ${headers.error}`);
      }
      const { method = '', url = '' } = request;
      if (url.length > PLAIN_LIMITS.targetChars) throw new Refused('BAD_REQUEST', 'the address is too long');
      await endpoint.handle({ request, response, method, url, headers: headers.value, client: client.signal, admit });
    } catch (error) {
      if (error instanceof Refused || error instanceof Denied) sendProblem(response, error, endpoint.isForModels);
      else {
        this.logger?.error({ err: error }, 'a request failed');
        sendProblem(response, new Refused('INTERNAL', 'the request failed'));
      }
    } finally {
      this.inFlight -= 1;
      leave();
    }
  }
}
