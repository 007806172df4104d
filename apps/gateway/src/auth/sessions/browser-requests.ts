import type { IncomingHttpHeaders } from 'node:http';
import { Refused } from '../../http/problems/problem';
import type { SessionSecrets } from './session-secrets';

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** The origins of the console: that of the public address, and the other names of this machine if it is on it. */
export function originsOf(publicUrl: string): ReadonlySet<string> {
  const { origin, protocol, hostname, port } = new URL(publicUrl);
  if (!LOOPBACK.includes(hostname)) return new Set([origin]);
  return new Set(LOOPBACK.map((name) => new URL(`${protocol}//${name}:${port}`).origin));
}

interface Head {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Refuses a request that a page of another origin may have caused. The cookie is not sent with most of those; a page of
 * another port of the same host is of the same site, so the origin is checked as well.
 * @throws Refused FORBIDDEN
 */
export function checkOrigin({ method, headers }: Head, origins: ReadonlySet<string>): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new Refused('FORBIDDEN', 'a session is accepted in requests of the console only, not of another origin');
  if (SAFE.has(method)) return;
  const { origin } = headers;
  if (origin === undefined || !origins.has(origin))
    throw new Refused(
      'FORBIDDEN',
      'a request of a session that changes something must have the Origin of the console (BAILIWICK_PUBLIC_URL)',
    );
}

/** Refuses a request that changes something without the token of its session. @throws Refused FORBIDDEN */
export function checkCsrf({ method, headers }: Head, secrets: SessionSecrets, session: string): void {
  if (!SAFE.has(method) && !secrets.isCsrf(session, headers['x-csrf-token']))
    throw new Refused('FORBIDDEN', 'send X-CSRF-Token with the value of csrf of GET /v1/session');
}
