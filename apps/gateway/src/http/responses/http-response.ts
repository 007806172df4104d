import type { FastifyReply } from 'fastify';
import type { Code } from '@bailiwick/contracts/error-codes';
import { NonceWanted } from '@bailiwick/edge/tokens/dpop-proofs';
import { countAnswer } from '../../reporting/metrics';
import type { EndpointOptions } from '../endpoints/endpoint';
import { isOAuth, oauthError } from '../problems/oauth-error';
import { problemOf, type Refused } from '../problems/problem';

/** The content type of JSON text. */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** Several values are for `set-cookie` alone. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>;

/** A response before it is written to a socket. */
export class HttpResponse {
  constructor(
    readonly status: number,
    readonly headers: ResponseHeaders,
    readonly text: string | Buffer,
  ) {}
}

/** The result of a handler that needs more than a JSON value with the endpoint's usual status. */
export class Reply {
  private constructor(
    readonly content: { readonly json: unknown } | { readonly text: string | Buffer; readonly type: string },
    readonly status: number | undefined,
    readonly headers: ResponseHeaders,
  ) {}

  static json(value: unknown, { status, headers = {} }: { status?: number; headers?: ResponseHeaders } = {}): Reply {
    return new Reply({ json: value }, status, headers);
  }

  /** JSON text made by the handler */
  static jsonText(text: string): Reply {
    return Reply.text(text, JSON_TYPE);
  }

  static text(text: string | Buffer, type: string, headers: ResponseHeaders = {}, status?: number): Reply {
    return new Reply({ text, type }, status, headers);
  }
}

/** A response that its handler writes piece by piece. */
export class Streamed {
  /** @param write writes to the reply and resolves at its end; a Refused that it throws before the head is answered as usual */
  constructor(readonly write: (reply: FastifyReply) => Promise<void>) {}
}

/** Makes the response of an endpoint from the value that its handler returned. */
export function toResponse(endpoint: Pick<EndpointOptions, 'path' | 'status'>, value: unknown): HttpResponse {
  const reply = value instanceof Reply ? value : Reply.json(value);
  const status = reply.status ?? endpoint.status ?? 200;
  countAnswer(endpoint.path, status);
  const { content, headers } = reply;
  const [text, type] = 'text' in content ? [content.text, content.type] : [JSON.stringify(content.json), JSON_TYPE];
  return new HttpResponse(status, { ...headers, 'content-type': type }, text);
}

/** Makes a problem+json response from a refusal. @see RFC 9457; RFC 9110 section 10.2.3 (Retry-After); RFC 9449 section 8 (DPoP-Nonce) */
export function problemResponse(path: string, refused: Refused): HttpResponse {
  if (isOAuth(path)) return oauthResponse(path, refused);
  const { status, body } = problemOf(refused);
  countAnswer(path, status);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === 503 || status === 429) headers['retry-after'] = '1';
  if (status === 401) headers['www-authenticate'] = challengeFor(refused.code);
  if (refused instanceof NonceWanted) {
    headers['dpop-nonce'] = refused.nonce;
    headers['www-authenticate'] = 'DPoP error="use_dpop_nonce"';
  }
  return new HttpResponse(status, headers, JSON.stringify(body));
}

/** Makes the error response of an OAuth endpoint (RFC 6749 section 5.2). */
function oauthResponse(path: string, refused: Refused): HttpResponse {
  const { status, headers, body } = oauthError(refused);
  countAnswer(path, status);
  return new HttpResponse(
    status,
    { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    JSON.stringify(body),
  );
}

const challengeFor = (code: Code): string =>
  code === 'DPOP_INVALID' ? 'DPoP error="invalid_dpop_proof"' : 'Bearer realm="bailiwick"';

export function send(reply: FastifyReply, { status, headers, text }: HttpResponse): FastifyReply {
  // as bytes: the framework adds a charset to the content type of a text, even if the type defines none (RFC 9457)
  return reply
    .code(status)
    .headers(headers)
    .send(Buffer.isBuffer(text) ? text : Buffer.from(text));
}
