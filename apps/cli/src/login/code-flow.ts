import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SignIn } from '@bailiwick/contracts/http/bodies';
import { postForm, tokensIn, type Metadata, type Tokens } from './issuer';

const random = (): string => randomBytes(32).toString('base64url');

/** The longest time between the start of a sign-in and its end in the browser. */
const WAIT_MS = 300_000;

/**
 * Signs a person in with a browser: authorization code with PKCE (RFC 7636), answered to a port of this machine (RFC 8252
 * section 7.3). `state` binds the answer to this sign-in, so that no other page can end it with another code
 * (RFC 9700 section 2.1), `iss` to this issuer (RFC 9207), and the verifier the code to this process.
 * @param open shows the person an address
 */
export async function signInWithBrowser(
  signIn: SignIn,
  metadata: Metadata,
  open: (url: string) => void,
): Promise<Tokens> {
  if (metadata.authorization_endpoint === undefined) throw new Error('the issuer has no authorization endpoint');
  const [state, nonce, verifier] = [random(), random(), random()];
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  try {
    const url = new URL(metadata.authorization_endpoint);
    const wanted: Record<string, string | undefined> = {
      response_type: 'code',
      client_id: signIn.clientId,
      redirect_uri: redirectUri,
      scope: signIn.scope,
      state,
      nonce,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: signIn.resource,
    };
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) url.searchParams.set(name, value);
    const answered = codeOf(server, { state, metadata });
    open(url.toString());
    const answer = await postForm(metadata.token_endpoint, {
      grant_type: 'authorization_code',
      code: await answered,
      redirect_uri: redirectUri,
      client_id: signIn.clientId,
      code_verifier: verifier,
      resource: signIn.resource,
    });
    return tokensIn(answer, signIn, nonce);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

interface Started {
  readonly state: string;
  readonly metadata: Metadata;
}

/** Waits for the browser. A request that does not have the state of this sign-in is refused and ends nothing. */
function codeOf(server: ReturnType<typeof createServer>, started: Started): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no person has signed in for five minutes')), WAIT_MS);
    timer.unref();
    server.on('request', (request, response) => {
      const answer = answerIn(request, started);
      if (answer === undefined)
        return page(response, 400, 'This is not the answer to the sign-in of the command line.');
      clearTimeout(timer);
      if (typeof answer === 'string') {
        page(response, 200, 'You are signed in. You may close this page.');
        resolve(answer);
      } else {
        page(response, 200, 'The sign-in was refused. The command line shows why.');
        reject(answer);
      }
    });
  });
}

/** Returns the code or the refusal in an answer of the issuer; undefined for any other request. */
function answerIn({ method, url = '' }: IncomingMessage, { state, metadata }: Started): string | Error | undefined {
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  if (method !== 'GET' || pathname !== '/callback' || !isSame(searchParams.get('state') ?? '', state)) return undefined;
  const iss = searchParams.get('iss');
  const mixedUp =
    iss === null ? metadata.authorization_response_iss_parameter_supported === true : iss !== metadata.issuer;
  if (mixedUp) return new Error('the answer is of another issuer');
  const error = searchParams.get('error');
  if (error !== null) return new Error(`the issuer refused: ${searchParams.get('error_description') ?? error}`);
  return searchParams.get('code') ?? new Error('the issuer returned no code');
}

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

/** A page with fixed text: nothing of the request is repeated, and it leads nowhere. */
function page(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(`<!doctype html><title>Bailiwick</title><p>${text}</p>`);
}
