import { sha256hex } from '@bailiwick/core/digest';
import { isId } from '@bailiwick/core/ids';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { CallReader } from '@bailiwick/policy/catalog/call-reader';
import type { RunTokens } from '../auth/run-tokens';
import type { ReadCall } from '../calls/decisions';
import { IN_DOUBT, NOT_MADE, type GuardedCall, type GuardedCalls, type PermittedCall } from '../calls/guarded-calls';
import type { BoundaryConfig } from '../config';
import { answerHeaders, passAnswer, Withheld } from '../plain/answer';
import { readBytes, readContent } from '../plain/body';
import { send } from '../plain/exchange';
import type { Asked, Endpoint } from '../plain/front';
import { isMethod, type Headers } from '../plain/head';
import { PLAIN_LIMITS } from '../plain/plain-limits';
import { Denied } from '../plain/problems';
import type { Api } from '../plain/registration';
import type { Registrations } from '../plain/registrations';
import { readTarget, writeTarget, type Target } from '../plain/target';
import { NotReached, UpstreamGone } from '../upstream/connection';
import { argumentsOf, passedHeaders, resourceOf, type HttpRequest } from './http-call';
import { matchRoute, routesOf, toolPrefix, type Route } from './routes';

/** The header in which an agent may name an approval; it is not passed on. */
export const APPROVAL = 'bailiwick-approval';

/** A request of a run to a registered API. */
export interface Admitted {
  readonly claims: TokenClaims;
  readonly name: string;
  readonly api: Api;
  readonly method: string;
  readonly target: Target;
}

export interface HttpParts {
  readonly config: BoundaryConfig;
  readonly tokens: Pick<RunTokens, 'identify'>;
  readonly registrations: Registrations;
  readonly calls: GuardedCalls;
}

/** The routes of each API, compiled once for each version of the policy. */
export class ApiRoutes {
  private readonly known = new WeakMap<readonly string[], readonly Route[]>();

  of(api: string, reader: CallReader): readonly Route[] {
    const tools = reader.toolsOf(toolPrefix(api));
    const known = this.known.get(tools);
    if (known) return known;
    const routes = routesOf(api, tools).slice(0, PLAIN_LIMITS.routes);
    this.known.set(tools, routes);
    return routes;
  }
}

/** Reads a request as a call by the policy in force. @returns undefined if the policy names no route for it */
export function readCall(
  routes: ApiRoutes,
  { name, api }: Pick<Admitted, 'name' | 'api'>,
  request: HttpRequest,
): (reader: CallReader) => ReadCall | undefined {
  const headers = passedHeaders(request.headers, api.headers);
  return (reader) => {
    const matched = matchRoute(routes.of(name, reader), request.method, request.target);
    if (!matched) return undefined;
    const args = argumentsOf(request, matched, headers);
    return { tool: matched.route.tool, args, resource: resourceOf(name, request.target) };
  };
}

export const UNKNOWN_ROUTE = new Denied({
  code: 'DENIED',
  says: 'The call was not made: no entry of the policy names this route.',
  howToAsk: 'An administrator adds the route to the catalog; `bailiwick proxy infer` proposes entries.',
});

/** Registered HTTP APIs at `/http/{api}/…`: each request is decided, and passed on with the credentials of the API. */
export class HttpTools implements Endpoint {
  readonly prefix: string | undefined = '/http/';
  protected readonly routes = new ApiRoutes();

  constructor(protected readonly parts: HttpParts) {}

  async handle(asked: Asked): Promise<void> {
    const { request, headers, client } = asked;
    if (!isMethod(asked.method)) throw new Refused('METHOD_NOT_ALLOWED', 'this method is not passed on');
    const admitted = await this.admit(asked);
    asked.admit(admitted.claims);
    const hasBody = (headers.get('content-length') ?? '0') !== '0' || headers.has('transfer-encoding');
    if (hasBody && ['GET', 'HEAD', 'OPTIONS'].includes(asked.method))
      throw new Refused('BAD_REQUEST', `a ${asked.method} with a body is ambiguous`);
    const bytes = hasBody ? await readBytes(request) : Buffer.alloc(0);
    const content = readContent(bytes, headers.get('content-type'));
    const { method, target } = admitted;
    const read = readCall(this.routes, admitted, { method, target, headers, content });
    const call: GuardedCall = {
      read,
      key: keyOf(admitted, headers, content.bodyDigest),
      approvalId: approvalOf(headers),
      sent: content.unread,
    };
    const ended = AbortSignal.any([client, AbortSignal.timeout(PLAIN_LIMITS.callMs)]);
    const started = await this.parts.calls.begin(admitted.claims, call, ended);
    if (started === undefined) throw UNKNOWN_ROUTE;
    if ('code' in started) throw new Denied(started);
    await this.carryOut(asked, admitted, bytes, started);
  }

  /** Identifies the sender, and the API that the request is for. @throws Refused */
  protected async admit({ method, url, headers }: Asked): Promise<Admitted> {
    const { config, tokens } = this.parts;
    if (!isHostOf(config.boundary.url, headers.get('host')))
      throw new Refused('BAD_REQUEST', 'Host is not the address of the boundary');
    const address = config.boundary.url + url;
    const authorization = headers.get('authorization');
    const claims = await tokens.identify({ authorization, dpop: headers.get('dpop'), method, url: address });
    const [, name = '', rest = ''] = /^\/http\/([^/?]+)(.*)$/.exec(url) ?? [];
    const api = this.parts.registrations.find(claims.tenant, 'apis', name);
    if (!api) throw new Refused('NOT_FOUND', `API ${name.slice(0, 64)} not found.`);
    return { claims, name, api, method, target: targetOf(rest) };
  }

  private async carryOut(
    { response, headers }: Asked,
    { claims, name, api, method, target }: Admitted,
    bytes: Buffer,
    call: PermittedCall,
  ): Promise<void> {
    const url = new URL(api.upstream.url.replace(/\/$/, '') + writeTarget(target));
    const moved = (location: string): string | undefined => this.moved(name, api, url, location);
    try {
      const answer = await send({
        tenant: claims.tenant,
        method,
        url,
        headers: { ...passedHeaders(headers, api.headers), ...api.credentials?.headers },
        body: bytes.length > 0 ? bytes : undefined,
        signal: call.signal,
      });
      if (answer.statusCode === 401 || answer.statusCode === 407) {
        answer.destroy();
        void call.end(NOT_MADE);
        throw new Denied({
          code: 'UPSTREAM_FAILED',
          says: 'The upstream does not accept the credentials of the boundary.',
        });
      }
      void call.end(await passAnswer(answer, response, call, answerHeaders(answer, moved)));
    } catch (error) {
      void call.end(error instanceof Withheld ? error.outcome : error instanceof NotReached ? NOT_MADE : IN_DOUBT);
      throw asDenied(error, call);
    }
  }

  /** An address below the upstream becomes one at the boundary; any other would lead the agent around it. */
  private moved(name: string, api: Api, from: URL, location: string): string | undefined {
    const base = api.upstream.url.replace(/\/$/, '');
    if (!URL.canParse(location, from.href)) return undefined;
    const { href } = new URL(location, from);
    return href === base || href.startsWith(`${base}/`)
      ? this.addressOf(name, api, href.slice(base.length))
      : undefined;
  }

  protected addressOf(name: string, _api: Api, rest: string): string {
    return `${this.parts.config.boundary.url}/http/${name}${rest}`;
  }
}

/** What an agent gets in place of an answer that did not come. */
export function asDenied(error: unknown, { endedBy }: PermittedCall): unknown {
  if (endedBy !== undefined)
    return new Denied({
      code: endedBy.code,
      says: `The call was aborted: ${endedBy.says}.`,
    });
  return error instanceof UpstreamGone ? new Denied({ code: 'UPSTREAM_FAILED', says: error.message }) : error;
}

/** Reads the target of a request. @throws Refused BAD_REQUEST */
export function targetOf(text: string): Target {
  const target = readTarget(text === '' || text.startsWith('?') ? `/${text}` : text);
  if (!target.ok) throw new Refused('BAD_REQUEST', `the request is ambiguous: ${target.error}`);
  return target.value;
}

/** The approval that an agent names. @throws Refused BAD_REQUEST */
export function approvalOf(headers: Headers): string | undefined {
  const named = headers.get(APPROVAL);
  if (named !== undefined && !isId('approval', named))
    throw new Refused('BAD_REQUEST', `${APPROVAL} is no id of an approval`);
  return named;
}

const keyOf = ({ name, api, method, target }: Admitted, headers: Headers, digest = ''): string =>
  sha256hex(JSON.stringify([name, method, writeTarget(target), passedHeaders(headers, api.headers), digest]));

/** Reports whether a request names the boundary as its host, by its address or, on this machine, by another name of it. */
export function isHostOf(address: string, host: string | undefined): boolean {
  const { host: own, hostname, port } = new URL(address);
  if (host === own) return true;
  const isLocal = LOOPBACK.includes(hostname);
  return isLocal && LOOPBACK.some((each) => host === `${each}${port === '' ? '' : `:${port}`}`);
}
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
