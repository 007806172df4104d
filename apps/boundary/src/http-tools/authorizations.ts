import type { CallOutcome } from '../calls/decisions';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { sha256hex } from '@bailiwick/core/digest';
import { Refused } from '@bailiwick/edge/refused';
import type { GuardedCall } from '../calls/guarded-calls';
import { readBytes, readContent, type Content } from '../plain/body';
import type { Asked, Endpoint } from '../plain/front';
import { isMethod } from '../plain/head';
import { Denied } from '../plain/problems';
import type { Api } from '../plain/registration';
import { writeTarget, type Target } from '../plain/target';
import { ApiRoutes, approvalOf, readCall, targetOf, UNKNOWN_ROUTE, type HttpParts } from './http-tools';

/** The request that a proxy asks about. */
interface Described {
  readonly method: string;
  readonly target: Target;
  readonly content: Content;
  /** the proxy has not sent all of the request */
  readonly isPartial: boolean;
}

/** The proxy passes the call on itself, so that nothing of its answer is known here. */
const PASSED_ON: CallOutcome = { status: 'completed', preview: 'passed on by a proxy; its answer was not seen' };

/**
 * Authorizes requests for proxies that pass them on themselves: `/authz/envoy/{api}/…` for the HTTP service of Envoy's
 * `ext_authz`, which repeats method, path and headers, and `/authz/nginx/{api}` for `auth_request`, which states them in
 * `X-Original-Method` and `X-Original-URI`. Answers 200, or 401, 403 or 503 with the reason.
 */
export class Authorizations implements Endpoint {
  readonly prefix = '/authz/';
  readonly isForProxies = true;
  private readonly routes = new ApiRoutes();

  constructor(private readonly parts: HttpParts) {}

  async handle(asked: Asked): Promise<void> {
    const { response, headers, client, url } = asked;
    const [, form = '', name = '', rest = ''] = /^\/authz\/(envoy|nginx)\/([^/?]+)(.*)$/.exec(url) ?? [];
    const { tokens, registrations, calls, config } = this.parts;
    const claims = await tokens.identify({
      authorization: headers.get('authorization'),
      dpop: undefined, // a proof is for the address of the proxy, which is not known here
      method: asked.method,
      url: `${config.boundary.url}/http/${name}`,
    });
    asked.admit(claims);
    const api = registrations.find(claims.tenant, 'apis', name);
    if (!api) throw new Denied({ code: 'NOT_FOUND', says: `API ${name.slice(0, 64)} not found.` }, 403);
    const { method, target, content, isPartial } = await refusedAs403(() =>
      form === 'nginx' ? ofNginx(asked) : ofEnvoy(asked, api, rest),
    );
    const read = readCall(this.routes, { name, api }, { method, target, headers, content });
    const call: GuardedCall = {
      read: (reader) => {
        const found = read(reader);
        const entry = found && reader.entryOfTool(found.tool);
        if (isPartial && entry && readsBody(entry)) throw NEEDS_BODY;
        return found;
      },
      isPartial,
      approvalId: approvalOf(headers),
      key: sha256hex(JSON.stringify(['authz', name, method, writeTarget(target), content.bodyDigest ?? ''])),
    };
    const started = await calls.begin(claims, call, client);
    if (started === undefined) throw UNKNOWN_ROUTE;
    if ('code' in started) throw new Denied(started, started.code === 'NOT_READY' ? 503 : 403);
    const isObliging = started.duties.length > 0;
    void started.end(isObliging ? { status: 'failed' } : PASSED_ON);
    if (isObliging)
      throw new Denied({ code: 'DENIED', says: 'The permit obliges to change the result, which a proxy does not do.' });
    response.writeHead(200, {
      'content-length': 0,
      'bailiwick-action': started.actionId,
      // Envoy removes it from the request that it passes on
      ...(form === 'envoy' ? { 'x-envoy-auth-headers-to-remove': 'authorization' } : {}),
    });
    response.end();
  }
}

const NEEDS_BODY = new Denied({
  code: 'DENIED',
  says: 'The call was not made: the policy takes what it reaches from the body, which the proxy does not send.',
  howToAsk: 'Call the API through the boundary itself, or have Envoy send the body.',
});

/** Envoy repeats the request; its body too, if it is configured to. */
async function ofEnvoy({ request, method, headers }: Asked, api: Api, rest: string): Promise<Described> {
  if (!isMethod(method)) throw new Refused('METHOD_NOT_ALLOWED', 'this method is not passed on');
  const target = targetOf(rest);
  if (headers.has('x-envoy-auth-partial-body') && headers.get('x-envoy-auth-partial-body') !== 'false')
    throw new Refused('TOO_LARGE', 'the body is larger than what Envoy sends');
  const bytes = await readBytes(request);
  if (api.authorizedBody === 'unseen') return { method, target, content: {}, isPartial: mayHaveBody(method) };
  return { method, target, content: readContent(bytes, headers.get('content-type')), isPartial: false };
}

/** NGINX sends no body, and a GET whose headers state the request. */
function ofNginx({ headers }: Asked): Described {
  const method = headers.get('x-original-method');
  const uri = headers.get('x-original-uri');
  if (!isMethod(method) || uri === undefined)
    throw new Refused('BAD_REQUEST', 'X-Original-Method and X-Original-URI must state the request');
  return { method, target: targetOf(uri), content: {}, isPartial: mayHaveBody(method) };
}

/** The body of any other method has no meaning (RFC 9110 section 9.3.1), and an upstream may still read it. */
const mayHaveBody = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';

/** Proxies pass a refusal on only if it has one of a few statuses. */
async function refusedAs403<T>(read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Refused) throw new Denied({ code: error.code, says: error.detail }, 403);
    throw error;
  }
}

/** Reports whether an entry takes anything from the body of a request. */
function readsBody({ resource, attributes = {}, cost = {}, units = {} }: CatalogEntry): boolean {
  const sources = [...Object.values(attributes), ...Object.values(cost), ...Object.values(units)];
  if (sources.some((each) => typeof each === 'object' && 'addresses' in each)) return true;
  const pointers = sources.flatMap((each) => {
    if (typeof each !== 'object') return [String(each)];
    return 'major' in each ? [each.major] : [];
  });
  return pointers.some((each) => /^\/body(Digest)?(\/|$)/.test(each)) || /\{\+?\/body/.test(resource?.id ?? '');
}
