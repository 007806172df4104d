import { lookup, type LookupAddress } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Networks } from '../networks';
import { destroyOnAbort } from './abort';

/** The request was not sent: there was no connection. */
export class NotSent extends Error {}

/** The address may not be reached: no connection was made. */
export class AddressRefused extends NotSent {}

export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** A response whose head has arrived. Redirects are responses like any other: none is followed. */
export interface OutboundResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** How a name is resolved; a test answers it differently each time. */
export type Resolve = (host: string, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;
const resolveAll: Resolve = (host, done) => lookup(host, { all: true }, (error, addresses) => done(error, addresses));

export interface OutboundOptions {
  /** the setting with which the operator allows networks; refusals name it */
  readonly setting?: string;
  /** how long a connection may take, ms */
  readonly connectMs?: number;
  readonly resolve?: Resolve;
}
const CONNECT_MS = 30_000;

/**
 * Sends requests to addresses that tenants, or the servers that they register, state. A connection is made only to an address that the
 * installation allows: the one that a name resolves to is checked, and connected to without being resolved again.
 */
export class Outbound {
  private readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  private readonly setting: string;
  private readonly connectMs: number;

  /** @param networks allowed in addition to the public one */
  constructor(
    private readonly networks: Networks,
    { setting = 'BAILIWICK_UPSTREAM_NETWORKS', connectMs = CONNECT_MS, resolve = resolveAll }: OutboundOptions = {},
  ) {
    this.setting = setting;
    this.connectMs = connectMs;
    const options = { keepAlive: true, maxFreeSockets: 32, lookup: this.checked(resolve) };
    this.agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  }

  /** @throws NotSent, or the error of a connection that was made */
  send(address: string, { method, headers, body, signal }: OutboundRequest): Promise<OutboundResponse> {
    const url = new URL(address);
    const isSecure = url.protocol === 'https:';
    return new Promise((done, failed) => {
      const refused = this.networks.refusedIn(url);
      if (refused !== undefined) return failed(new AddressRefused(this.notPublic(refused)));
      if (signal.aborted) return failed(new NotSent('the request was aborted'));
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        method,
        agent: isSecure ? this.agents.https : this.agents.http,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      });
      destroyOnAbort(request, signal);
      let isConnected = false;
      const connected = (): void => {
        isConnected = true;
        clearTimeout(connecting);
      };
      const connecting = setTimeout(() => request.destroy(new Error('it took too long')), this.connectMs);
      request.once('socket', (socket) => {
        if (request.reusedSocket) connected();
        else socket.once(isSecure ? 'secureConnect' : 'connect', connected);
      });
      request.once('response', (response) => {
        done({ status: response.statusCode ?? 0, headers: response.headers, body: response });
      });
      request.on('error', (error) => failed(isConnected ? error : notSent(error)));
      request.once('close', () => {
        clearTimeout(connecting);
        // without an error and a response if the server switches protocols; no-op otherwise
        failed(new Error('the connection ended before a response'));
      });
      request.end(body);
    });
  }

  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }

  private checked(resolve: Resolve): LookupFunction {
    return (host, options, done) =>
      resolve(host, (error, addresses) => {
        if (error) return done(error, '', 4);
        const refused = addresses.find(({ address }) => isIP(address) === 0 || !this.networks.isAllowed(address));
        if (refused || addresses.length === 0)
          return done(new AddressRefused(this.notPublic(`${host}, which is ${refused?.address ?? 'nothing'},`)), '', 4);
        if (options.all === true) return done(null, addresses);
        const [first] = addresses as [LookupAddress];
        return done(null, first.address, first.family);
      });
  }

  private notPublic(what: string): string {
    return `${what} is not in the public network, and the operator has not allowed its network (${this.setting})`;
  }
}

/** Names the reason by its code: the text of an error may have the address, and with it a secret. */
function notSent(error: Error): NotSent {
  if (error instanceof NotSent) return error;
  const { code } = error as { code?: unknown };
  return new NotSent(`it cannot be reached${typeof code === 'string' ? `: ${code}` : ''}`);
}
