import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { destroyOnAbort } from '@bailiwick/platform/outbound/abort';
import { NotReached, UpstreamGone } from '../upstream/connection';
import { PLAIN_LIMITS } from './plain-limits';

/** A request to an upstream. */
export interface Sent {
  /** of the sender: its connections are for no other */
  readonly tenant: string;
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly signal: AbortSignal;
}

/** Connections are kept for less time than servers usually keep them, so that none is closed under a request. */
const KEPT = { keepAlive: true, timeout: 4_000, maxSockets: PLAIN_LIMITS.inFlight };

/** Gives each tenant separate connections to an upstream, so that it can take up those of no other. */
const ofTenant = (name: string, { tenant = '' }: { tenant?: string } = {}): string => `${tenant} ${name}`;
class TenantHttpAgent extends HttpAgent {
  override getName(options?: Parameters<HttpAgent['getName']>[0]): string {
    return ofTenant(super.getName(options), options as { tenant?: string });
  }
}
class TenantHttpsAgent extends HttpsAgent {
  override getName(options?: RequestOptions): string {
    return ofTenant(super.getName(options), options as { tenant?: string });
  }
}
const agents = { http: new TenantHttpAgent(KEPT), https: new TenantHttpsAgent(KEPT) };

/** Closes the connections that are kept for the next request. */
export function closeConnections(): void {
  agents.http.destroy();
  agents.https.destroy();
}

/**
 * Sends a request once and returns the head of the answer; redirects are not followed.
 * @throws NotReached if nothing was sent, UpstreamGone if the request may have arrived
 */
export function send({ tenant, method, url, headers, body, signal }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new NotReached('the call was aborted before it was made'));
    const isSecure = url.protocol === 'https:';
    let isReached = false;
    const length = body === undefined ? undefined : String(body.length);
    const options: RequestOptions & { tenant: string } = {
      tenant,
      method,
      agent: isSecure ? agents.https : agents.http,
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        ...(length === undefined ? {} : { 'content-length': length }),
      },
      maxHeaderSize: 32 * 1024,
    };
    const request = (isSecure ? httpsRequest : httpRequest)(url, options);
    destroyOnAbort(request, signal);
    request.setTimeout(PLAIN_LIMITS.silentMs, () => request.destroy(new Error('it did not answer in time')));
    request.once('socket', (socket) => {
      if (!socket.connecting) isReached = true;
      else socket.once(isSecure ? 'secureConnect' : 'connect', () => (isReached = true));
    });
    request.once('response', resolve);
    request.on('error', (error) => {
      const why = signal.aborted ? 'the call was aborted' : `the upstream failed: ${codeOf(error)}`;
      reject(isReached ? new UpstreamGone(why) : new NotReached(why));
    });
    request.end(body);
  });
}

/** The code of a failure; its text may name addresses inside. */
const codeOf = (error: Error & { code?: string }): string => error.code ?? error.message.slice(0, 100);
