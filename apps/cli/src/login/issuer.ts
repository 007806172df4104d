import type { SignIn } from '@bailiwick/contracts/http/bodies';
import { systemClock } from '@bailiwick/core/clock';
import { isSafeAddress } from '@bailiwick/core/safe-address';

/** Members of the metadata of an issuer that signing in needs (OpenID Connect Discovery 1.0, RFC 8414, RFC 8628). */
export interface Metadata {
  readonly issuer: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint: string;
  readonly device_authorization_endpoint?: string;
  readonly authorization_response_iss_parameter_supported?: boolean;
}

export interface Tokens {
  readonly token: string;
  /** RFC 3339 */
  readonly expiresAt: string;
}

const WAIT_MS = 15_000;

/** Reads the metadata of an issuer. Every address in it is used over TLS, or on this machine. @throws Error */
export async function readMetadata(issuer: string): Promise<Metadata> {
  if (!isSafeAddress(issuer)) throw new Error(`the issuer ${issuer} is not an https address`);
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(WAIT_MS) });
  if (!response.ok) throw new Error(`${url} responded with ${response.status}`);
  const metadata = (await response.json()) as Metadata;
  if (metadata.issuer !== issuer) throw new Error(`the metadata at ${url} is of another issuer: ${metadata.issuer}`);
  const { authorization_endpoint, token_endpoint, device_authorization_endpoint } = metadata;
  for (const each of [authorization_endpoint, token_endpoint, device_authorization_endpoint])
    if (each !== undefined && !isSafeAddress(each)) throw new Error(`the issuer names an address without TLS: ${each}`);
  return metadata;
}

/** A response of the token endpoint that is not a token. */
export class TokenRefused extends Error {
  constructor(
    readonly code: string,
    description: string,
  ) {
    super(description);
  }
}

export async function postForm(
  url: string,
  form: Record<string, string | undefined>,
): Promise<Record<string, unknown>> {
  const body = new URLSearchParams(
    Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const headers = { accept: 'application/json' };
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'error',
    headers,
    body,
    signal: AbortSignal.timeout(WAIT_MS),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return answer;
  const code = typeof answer.error === 'string' ? answer.error : `HTTP ${response.status}`;
  const description = typeof answer.error_description === 'string' ? answer.error_description : code;
  throw new TokenRefused(code, `the issuer refused: ${description}`);
}

/**
 * Takes the token that the service expects from a response of the token endpoint.
 * @param nonce of the authorization request, which the ID token must repeat (OpenID Connect Core section 3.1.3.7)
 */
export function tokensIn(answer: Record<string, unknown>, signIn: SignIn, nonce: string | undefined): Tokens {
  const { access_token: access, id_token: id, expires_in: seconds } = answer;
  if (nonce !== undefined && typeof id === 'string' && claimsOf(id).nonce !== nonce)
    throw new Error('the ID token is not the answer to this sign-in');
  const token = signIn.token === 'id' ? id : access;
  if (typeof token !== 'string') throw new Error(`the issuer returned no ${signIn.token} token`);
  const until = signIn.token === 'id' ? claimsOf(token).exp : undefined;
  const ms = typeof until === 'number' ? until * 1_000 : systemClock.now() + Number(seconds ?? 3_600) * 1_000;
  return { token, expiresAt: new Date(ms).toISOString() };
}

/** The claims of a token that came from its issuer directly; the service verifies its signature. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  } catch {
    throw new Error('the issuer returned a malformed token');
  }
}
