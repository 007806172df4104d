import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Asked } from '../plain/front';
import { Denied } from '../plain/problems';
import type { Api } from '../plain/registration';
import { HttpTools, targetOf, type Admitted } from './http-tools';

/**
 * The same for clients that take the boundary as their HTTP proxy and send absolute addresses of registered APIs. They
 * present the grant token to the proxy, as `Bearer`, or as the password of `Basic`, which the address of a proxy can have.
 */
export class ForwardProxy extends HttpTools {
  override readonly prefix = undefined;

  protected override async admit({ method, url, headers }: Asked): Promise<Admitted> {
    const [, origin = '', path = ''] = /^(http:\/\/[^/?#@\\]+)(\/.*)$/.exec(url) ?? [];
    if (!URL.canParse(origin)) throw new Refused('BAD_REQUEST', 'the address of the request is not one of an HTTP API');
    // a proxy replaces Host by the host of the address (RFC 9112 section 3.2.2); two of them are two requests
    if (headers.get('host')?.toLowerCase() !== new URL(origin).host)
      throw new Refused('BAD_REQUEST', 'Host is not the host of the address');
    const authorization = presented(headers.get('proxy-authorization'));
    if (authorization === undefined)
      throw new Denied({ code: 'UNAUTHENTICATED', says: 'send the grant token of a run to the proxy' }, 407);
    const identify = (name: string): Promise<TokenClaims> =>
      this.parts.tokens.identify({ authorization, dpop: undefined, method, url: this.addressOfBoundary(name) });
    const reached = this.parts.registrations.all('apis').flatMap(([name, api]) => {
      const rest = restBelow(api, origin, path);
      return rest === undefined ? [] : [{ name, api, rest }];
    });
    // the API whose address is the longest, of the tenant of the run
    for (const { name, api, rest } of reached.sort((a, b) => a.rest.length - b.rest.length)) {
      const claims = await identify(name);
      if (claims.tenant === api.tenant) return { claims, name, api, method, target: targetOf(rest) };
    }
    await identify('');
    throw new Refused('NOT_FOUND', 'no API is registered for this address');
  }

  private addressOfBoundary(name: string): string {
    return `${this.parts.config.boundary.url}/http/${name}`;
  }

  protected override addressOf(_name: string, api: Api, rest: string): string {
    return api.upstream.url.replace(/\/$/, '') + rest;
  }
}

/** The credential for the proxy, in the form of `Authorization`. */
function presented(header: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(bearer|basic) +([\w.~+/=-]+)$/i.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return `Bearer ${value}`;
  const [, password = ''] = /^[^:]*:(.+)$/.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return password === '' ? undefined : `Bearer ${password}`;
}

/** Returns the part of an address below that of an API; undefined if it is not below it. */
function restBelow({ upstream }: Api, origin: string, path: string): string | undefined {
  const base = new URL(upstream.url);
  if (base.protocol !== 'http:' || base.host !== new URL(origin).host) return undefined;
  const prefix = base.pathname.replace(/\/$/, '');
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length);
  return rest === '' || /^[/?]/.test(rest) ? rest : undefined;
}
