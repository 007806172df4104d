import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Networks } from '@bailiwick/platform/networks';
import { Outbound } from '@bailiwick/platform/outbound/outbound';
import { HttpConnection } from '../streamable-http';
import { ClientCredentials } from './client-credentials';

const RESOURCE = 'https://mcp.example.com/mcp';

describe('ClientCredentials', () => {
  let server: Server;
  let issuer: string;
  let outbound: Outbound;
  let metadata: Record<string, unknown>;
  let answer: Record<string, unknown>;
  let status: number;
  let now: number;
  const asked: { authorization: string | undefined; form: Record<string, string> }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const json = (code: number, value: unknown): unknown =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      if (request.url === '/.well-known/oauth-authorization-server/tenant') return json(200, metadata);
      if (request.url === '/mcp') return response.writeHead(401).end();
      if (request.url !== '/token') return response.writeHead(404).end();
      return void textOf(request).then((text) => {
        const form = Object.fromEntries(new URLSearchParams(text));
        asked.push({ authorization: request.headers.authorization, form });
        json(status, answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    outbound = new Outbound(new Networks(['127.0.0.1']));
  });
  afterAll(() => {
    outbound.close();
    server.close();
  });
  beforeEach(() => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    issuer = `${origin}/tenant`;
    metadata = { issuer, token_endpoint: `${origin}/token` };
    answer = { access_token: 'one', token_type: 'Bearer', expires_in: 3_600 };
    status = 200;
    now = 0;
    asked.length = 0;
  });

  const credentials = (clientSecret: () => string = () => 's+cret') =>
    new ClientCredentials(
      { issuer, clientId: 'bailiwick', clientSecret, scope: 'read write', resource: RESOURCE },
      outbound,
      () => now,
    );

  it('requests one token for all calls that wait, for its upstream alone, and another before it ends', async () => {
    const own = credentials();
    const all = await Promise.all([own.headers(), own.headers(), own.headers()]);
    expect(all).toEqual(Array(3).fill({ authorization: 'Bearer one' }));
    const basic = `Basic ${Buffer.from('bailiwick:s%2Bcret').toString('base64')}`;
    const form = { grant_type: 'client_credentials', resource: RESOURCE, scope: 'read write' };
    expect(asked).toEqual([{ authorization: basic, form }]);
    answer = { ...answer, access_token: 'two' };
    now = 3_569_000;
    expect(await own.headers()).toEqual({ authorization: 'Bearer one' });
    now = 3_570_000;
    expect(await own.headers()).toEqual({ authorization: 'Bearer two' });
  });

  it('sends the secret in the form if the authorization server takes it only there', async () => {
    metadata = { ...metadata, token_endpoint_auth_methods_supported: ['client_secret_post'] };
    await credentials().headers();
    expect(asked).toMatchObject([{ authorization: undefined, form: { client_secret: 's+cret' } }]);
  });

  it.each<[string, () => void, string]>([
    ['is of another issuer', () => (metadata = { ...metadata, issuer: `${issuer}/` }), 'another issuer'],
    ['has no token endpoint', () => (metadata = { issuer }), 'malformed'],
    [
      'names a token endpoint in a private network',
      () => (metadata = { issuer, token_endpoint: 'http://169.254.169.254/token' }),
      'not in the public network',
    ],
  ])('sends its secret nowhere if the metadata %s', async (_what, change, why) => {
    change();
    await expect(credentials().headers()).rejects.toThrow(why);
    expect(asked).toEqual([]);
  });

  it.each<[string, number, Record<string, unknown>, string]>([
    ['is a refusal', 400, { error: 'invalid_client', error_description: 'hunter2' }, 'no token: invalid_client'],
    ['is of another type', 200, { access_token: 'a', token_type: 'DPoP' }, 'no token (200)'],
    ['has line ends in the token', 200, { access_token: 'a\r\nx: y', token_type: 'Bearer' }, 'no token (200)'],
    ['is a redirect', 307, {}, 'no token (307)'],
  ])(
    'fails before the upstream is reached if the answer %s, and tries again with the next call',
    async (_what, code, value, why) => {
      [status, answer] = [code, value];
      const own = credentials();
      const failure = await own.headers().catch((error: unknown) => String(error));
      expect(failure).toContain(why);
      expect(failure).not.toContain('hunter2');
      [status, answer] = [200, { access_token: 'two', token_type: 'bearer' }];
      expect(await own.headers()).toEqual({ authorization: 'Bearer two' });
    },
  );

  it('requests another token after the upstream has refused one, and the refused call counts as not made', async () => {
    const own = credentials();
    const connection = new HttpConnection(issuer.replace('/tenant', '/mcp'), own, outbound);
    const call = () => connection.request('tools/call', {}, { signal: new AbortController().signal });
    await expect(call()).rejects.toMatchObject({ name: 'Error', message: expect.stringContaining('401') as string });
    await expect(call()).rejects.toThrow('401');
    expect(asked).toHaveLength(2);
    await connection.close();
  });
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
