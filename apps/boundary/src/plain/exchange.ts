import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { destroyOnAbort } from '@bailiwick/platform/outbound/abort';
import { NotReached, UpstreamGone } from '../upstream/connection';
import { PLAIN_LIMITS } from './limits';

/** A request to an upstream. */
export interface Sent {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly signal: AbortSignal;
}

/** Connections are kept for less time than servers usually keep them, so that none is closed under a request. */
const KEPT = { keepAlive: true, timeout: 4_000, maxSockets: PLAIN_LIMITS.inFlight };
const agents = { http: new HttpAgent(KEPT), https: new HttpsAgent(KEPT) };

/** Closes the connections that are kept for the next request. */
export function closeConnections(): void {
  agents.http.destroy();
  agents.https.destroy();
}

/**
 * Sends a request once and returns the head of the answer; redirects are not followed.
 * @throws NotReached if nothing was sent, UpstreamGone if the request may have arrived
 */
export function send({ method, url, headers, body, signal }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new NotReached('the call was aborted before it was made'));
    const isSecure = url.protocol === 'https:';
    let isReached = false;
    const length = body === undefined ? undefined : String(body.length);
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      agent: isSecure ? agents.https : agents.http,
      headers: {
        ...headers,
        'accept-encoding': 'identity',
        ...(length === undefined ? {} : { 'content-length': length }),
      },
      maxHeaderSize: 32 * 1024,
    });
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
