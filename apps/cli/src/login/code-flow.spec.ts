import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SignIn } from '@bailiwick/contracts/http/bodies';
import { signInWithBrowser } from './code-flow';

const ISSUER = 'https://idp.example.com';
const SIGN_IN: SignIn = { issuer: ISSUER, clientId: 'cli', scope: 'openid', token: 'access' };

describe('signInWithBrowser', () => {
  let endpoint: Server;
  let asked: URLSearchParams[];
  beforeEach(async () => {
    asked = [];
    endpoint = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => (text += String(chunk)));
      request.on('end', () => {
        asked.push(new URLSearchParams(text));
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ access_token: 'token', token_type: 'Bearer', expires_in: 60 }));
      });
    });
    await new Promise<void>((listening) => endpoint.listen(0, '127.0.0.1', listening));
  });
  afterEach(() => new Promise((closed) => endpoint.close(closed)));

  /** Signs in; the browser comes back with what `answer` adds to the state of the sign-in. */
  const signIn = (answer: Record<string, string>, advertises = true): Promise<unknown> => {
    const base = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
    const metadata = {
      issuer: ISSUER,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      authorization_response_iss_parameter_supported: advertises,
    };
    return signInWithBrowser(SIGN_IN, metadata, (url) => {
      const { searchParams } = new URL(url);
      const back = new URL(searchParams.get('redirect_uri') as string);
      const all = { state: searchParams.get('state') as string, code: 'c', ...answer };
      for (const [name, value] of Object.entries(all)) back.searchParams.set(name, value);
      void fetch(back);
    });
  };

  it('exchanges the code of an answer of the issuer', async () => {
    expect(await signIn({ iss: ISSUER })).toMatchObject({ token: 'token' });
    expect(await signIn({}, false)).toMatchObject({ token: 'token' });
    expect(asked.map((form) => form.get('code'))).toEqual(['c', 'c']);
  });

  it.each<[string, Record<string, string>]>([
    ['of another issuer', { iss: 'https://other.example.com' }],
    ['of another issuer, which is a refusal', { iss: 'https://other.example.com', error: 'access_denied' }],
    ['without an issuer, although this one always names itself', {}],
  ])('sends no code of an answer %s (RFC 9207 section 2.4)', async (_what, answer) => {
    await expect(signIn(answer)).rejects.toThrow('the answer is of another issuer');
    expect(asked).toEqual([]);
  });
});
