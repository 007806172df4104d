import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { RunTokens } from '../auth/run-tokens';
import type { BoundaryConfig } from '../config';
import type { Servers } from '../servers/servers';
import type { Upstream } from '../upstream/upstream';
import type { AgentMessage } from './message';

/** The sender of a request, and the server that it is for. */
export interface Asking {
  readonly claims: TokenClaims;
  readonly upstream: Upstream;
}

/** A client as its requests state it: the session is sealed for its lease and server, and left out by clients without one. */
export interface CallingClient {
  readonly claims: TokenClaims;
  readonly server: string;
  readonly session: string | undefined;
}

/** The agents that send requests, and their requests in flight. */
export class Agents {
  private readonly identified = new WeakMap<IncomingMessage, Asking>();
  private readonly inFlight = new Map<string, AbortController>();

  constructor(
    private readonly config: BoundaryConfig,
    private readonly tokens: RunTokens,
    private readonly servers: Servers,
  ) {}

  /** The address of the endpoint of a server. */
  endpoint(server: string): URL {
    return new URL(`${this.config.boundary.url}/mcp/${encodeURIComponent(server)}`);
  }

  get issuer(): string {
    return this.config.publicUrl;
  }

  /**
   * Identifies the sender from the head of a request, before its body is read.
   * @throws Refused UNAUTHENTICATED, DPOP_INVALID, NOT_READY; NOT_FOUND for a server of another tenant; FORBIDDEN for a page
   * in a browser
   */
  async admit({ raw, method, url, headers, params }: FastifyRequest): Promise<Asking> {
    const { origin, authorization, dpop } = headers;
    if (origin !== undefined && !isSame(origin, this.config.boundary.url))
      throw new Refused('FORBIDDEN', 'this endpoint is not for pages of other origins');
    const target = url.startsWith('/') ? this.config.boundary.url + url : '';
    const claims = await this.tokens.identify({ authorization, dpop, method, url: target });
    const { server = '' } = params as { server?: string };
    const upstream = await this.servers.find(claims.tenant, server);
    if (!upstream) throw new Refused('NOT_FOUND', `MCP server ${server.slice(0, 64)} not found.`);
    const asking = { claims, upstream };
    this.identified.set(raw, asking);
    return asking;
  }

  /** Returns the sender of an admitted request. @throws Refused */
  asking({ raw }: FastifyRequest): Asking {
    const known = this.identified.get(raw);
    if (!known) throw new Refused('UNAUTHENTICATED', 'send the grant token of a run');
    return known;
  }

  /** Registers a request of a client, which it may cancel by the id that it gave it. @returns the end of the registration */
  begin(client: CallingClient, id: string | number): { readonly call: AbortController; readonly end: () => void } {
    const call = new AbortController();
    const key = keyOf(client, id);
    if (!this.inFlight.has(key)) this.inFlight.set(key, call);
    const end = (): void => {
      if (this.inFlight.get(key) === call) this.inFlight.delete(key);
    };
    return { call, end };
  }

  /**
   * Takes a notification: a client may cancel its own requests. Each client counts its ids from the same number, so that
   * the session distinguishes those of another client of its run. Others are for nothing that the boundary passes on.
   */
  notified(client: CallingClient, { method, params }: AgentMessage): void {
    const { requestId } = params;
    if (method !== 'notifications/cancelled' || (typeof requestId !== 'string' && typeof requestId !== 'number'))
      return;
    this.inFlight.get(keyOf(client, requestId))?.abort('the client canceled the request');
  }
}

/** Reports whether a page is of this origin. The names of the loopback address are the same. */
function isSame(origin: string, own: string): boolean {
  const [theirs, ours] = [origin, own].map((each) => (URL.canParse(each) ? new URL(each) : undefined));
  if (!theirs || !ours) return false;
  const isLocal = LOOPBACK.has(theirs.hostname) && LOOPBACK.has(ours.hostname);
  return theirs.origin === ours.origin || (isLocal && theirs.protocol === ours.protocol && theirs.port === ours.port);
}
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const keyOf = ({ claims, server, session }: CallingClient, id: string | number): string =>
  JSON.stringify([claims.tenant, claims.grantId, server, session ?? '', id]);
