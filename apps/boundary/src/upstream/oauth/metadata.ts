import { z } from 'zod';
import { NotSent, type Outbound } from '@bailiwick/platform/outbound/outbound';
import { BOUNDARY_LIMITS } from '../../boundary-limits';
import { NotReached } from '../connection';

/** What is read of the metadata of an authorization server (RFC 8414). */
const metadata = z.object({
  issuer: z.string(),
  token_endpoint: z.url({ protocol: /^https?$/ }),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
});
export type IssuerMetadata = z.infer<typeof metadata>;

/**
 * Reads the metadata of an authorization server: RFC 8414 section 3, then OpenID Connect Discovery.
 * @throws NotReached if there is none, if it is for another issuer (RFC 8414 section 3.3), or if it leads from https to http
 */
export async function metadataOf(issuer: string, outbound: Outbound): Promise<IssuerMetadata> {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  const places = [
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
    `${url.origin}${path}/.well-known/openid-configuration`,
  ];
  for (const place of places) {
    const { status, body } = await readJson(outbound, place, { method: 'GET', headers: {} });
    if (status !== 200) continue;
    const parsed = metadata.safeParse(body);
    if (!parsed.success) throw new NotReached(`the metadata of the issuer ${issuer} is malformed`);
    if (parsed.data.issuer !== issuer)
      throw new NotReached(`the metadata of the issuer ${issuer} is for another issuer`);
    if (url.protocol === 'https:' && !parsed.data.token_endpoint.startsWith('https:'))
      throw new NotReached(`the token endpoint of the issuer ${issuer} is not https`);
    return parsed.data;
  }
  throw new NotReached(`the issuer ${issuer} has no metadata`);
}

interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request and reads a bounded JSON response; a body that is no JSON is undefined. @throws NotReached */
export async function readJson(
  outbound: Outbound,
  url: string,
  request: JsonRequest,
): Promise<{ status: number; body: unknown }> {
  const signal = AbortSignal.timeout(BOUNDARY_LIMITS.connectMs);
  try {
    const { status, body } = await outbound.send(url, {
      ...request,
      headers: { accept: 'application/json', ...request.headers },
      signal,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > BOUNDARY_LIMITS.oauthBytes) throw new NotReached('the authorization server sent too much');
      chunks.push(chunk);
    }
    return { status, body: parsed(Buffer.concat(chunks).toString()) };
  } catch (error) {
    if (error instanceof NotReached) throw error;
    throw new NotReached(
      `the authorization server does not answer${error instanceof NotSent ? `: ${error.message}` : ''}`,
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
