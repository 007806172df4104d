import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as sdk2 from '@modelcontextprotocol/client';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { decodeJwt } from 'jose';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { basic, details, form, IdentityProvider, type Answer } from '../http/oauth-world';
import { runAuthorizationScenario } from '../support/mcp/conformance-suite';
import { RecordingMcpServer } from '../support/recording-mcp-server';
import { scratch } from '../support/servers';
import { http, Stack } from '../support/stack';

/**
 * Stock clients of MCP, both SDK lines, unmodified: from the 401 of the boundary by the metadata of the resource (RFC 9728) and
 * of the authorization server (RFC 8414) to a token, and back with it.
 */
const ADA = 'user:ada@example.com';
const INPUT = { type: 'object', properties: { id: { type: 'string' } } };
const POLICY = `
catalog:
  - { tools: [mcp__notes__note_read], verb: notes.read, effects: [read], risk: low, resource: { type: note, id: "{/id}" } }
  - { tools: [mcp__notes__note_drop], verb: notes.drop, effects: [write], risk: low }
  - { tools: [mcp__other__note_read], verb: other.read, effects: [read], risk: low }
agents:
  - class: notes-agent
    owner: Notes team
    words: Reads the notes that people ask about
    most: { actions: { allow: [notes.*] } }
    lease: { actions: { allow: [notes.read] }, resources: [{ type: "*", match: "**" }], budget: { calls: 20 } }
  - class: list-agent
    owner: Notes team
    words: Lists the notes
    most: { actions: { allow: [notes.*] } }
    lease: { actions: { allow: [notes.read] }, resources: [{ type: "*", match: "**" }], budget: { calls: 20 } }
  - class: mail-agent
    owner: Notes team
    words: Sends notes
    most: { actions: { allow: [notes.*] } }
    lease: { actions: { allow: [notes.read] }, resources: [{ type: "*", match: "**" }], budget: { calls: 20 } }
  - class: silent-agent
    owner: Notes team
    most: { actions: { allow: [notes.*] } }
    lease: { actions: { allow: [notes.read] }, resources: [{ type: "*", match: "**" }], budget: { calls: 20 } }
  - class: '*'
    owner: Notes team
    words: Anything else
    most: { actions: { allow: [notes.*] } }
    lease: { actions: { allow: [notes.read] }, resources: [{ type: "*", match: "**" }], budget: { calls: 20 } }
rules: []
`;

const STOCK_CLIENTS = join(__dirname, '../support/mcp/stock-clients.mjs');

interface Ran {
  readonly tools: string[];
  readonly isError: boolean;
  readonly tokens: { readonly access_token: string };
  readonly jkt?: string;
}
interface Key {
  readonly id: string;
  readonly key: string;
}

describe('a stock client of MCP, without a token', () => {
  let provider: IdentityProvider;
  let upstream: RecordingMcpServer;
  let stack: Stack;
  let boundary: string;
  let own: Key;
  let service: Key;
  let signer: Key;
  let plain: Key;
  let ben: Key;
  let silent: Key;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  const admin = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await http(stack, method, path, { key: stack.keys.admin as string, body });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const issue = (body: object): Promise<Key> => admin('POST', '/v1/keys', body) as unknown as Promise<Key>;

  beforeAll(async () => {
    provider = await IdentityProvider.start();
    upstream = await RecordingMcpServer.start(
      ['note_read', 'note_drop'].map((name) => ({ name, description: name, inputSchema: INPUT })),
    );
    const dataDir = scratch();
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'issuers.json'), JSON.stringify({ issuers: [provider.config] }));
    const server = { upstream: { url: upstream.url } };
    writeFileSync(join(dataDir, 'mcp.json'), JSON.stringify({ servers: { notes: server, other: server } }));
    const port = await freePort();
    boundary = `http://127.0.0.1:${port}`;
    stack = await Stack.start(
      {
        BAILIWICK_UPSTREAM_NETWORKS: '127.0.0.1',
        BAILIWICK_BOUNDARY_PORT: String(port),
        BAILIWICK_DPOP_NONCE: 'always',
      },
      [],
      dataDir,
    );
    await admin('POST', '/v1/policies', { bundle: { 'policy.yaml': POLICY }, replaces: 0 });
    for (const name of ['notes', 'other']) {
      const { digest } = await admin('GET', `/v1/mcp/servers/${name}`);
      await admin('POST', `/v1/mcp/servers/${name}/approval`, { digest });
    }
    own = await issue({ name: 'notes-agent', role: 'orchestrator', person: ADA });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one' };
    signer = await issue({ name: 'list-agent', role: 'orchestrator', jwks: { keys: [jwk] } });
    service = await issue({ name: 'mail-agent', role: 'orchestrator' });
    plain = await issue({ name: 'reader', person: ADA });
    ben = await issue({ name: 'ben', role: 'orchestrator', person: 'user:ben@example.com' });
    silent = await issue({ name: 'silent-agent', role: 'orchestrator' });
  }, 120_000);
  afterAll(async () => {
    await stack.stop();
    await upstream.stop();
    provider.stop();
  });

  const endpoint = (server = 'notes'): URL => new URL(`${boundary}/mcp/${server}`);
  const token = (fields: Record<string, string>, headers = {}): Promise<Answer> =>
    form(`${stack.url}/oauth/token`, fields, headers);
  /** The run that the only token of a provider is for. */
  async function runOf(tokens: { access_token: string } | undefined): Promise<Record<string, unknown>> {
    const { client_id: run } = decodeJwt(tokens?.access_token as string);
    return (await http(stack, 'GET', `/v1/runs/${String(run)}`, { key: stack.keys.analyst as string })).body;
  }
  async function read1(authProvider: ClientCredentialsProvider): Promise<string[]> {
    const client = new Client({ name: 'stock', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(endpoint(), { authProvider }));
    const { tools } = await client.listTools();
    const result = await client.callTool({ name: 'note_read', arguments: { id: 'a' } });
    expect(result.isError).not.toBe(true);
    await client.close();
    return tools.map(({ name }) => name);
  }
  async function read2(authProvider: sdk2.OAuthClientProvider): Promise<string[]> {
    const client = new sdk2.Client({ name: 'stock', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new sdk2.StreamableHTTPClientTransport(endpoint(), { authProvider }));
    const { tools } = await client.listTools();
    const result = await client.callTool({ name: 'note_read', arguments: { id: 'a' } });
    expect(result.isError).not.toBe(true);
    await client.close();
    return tools.map(({ name }) => name);
  }
  const stock = async (asked: object): Promise<Ran[]> => {
    const args = [STOCK_CLIENTS, JSON.stringify({ url: endpoint().href, ...asked })];
    return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as Ran[];
  };
  const runs = async (): Promise<number> => {
    const opened = `/v1/events?type=RunOpened&limit=500`;
    const { body } = await http(stack, 'GET', opened, { key: stack.keys.analyst as string });
    return (body.items as unknown[]).length;
  };
  const credentials = (): { clientId: string; clientSecret: string; expectedIssuer: string } => ({
    clientId: 'notes-agent',
    clientSecret: own.key,
    expectedIssuer: stack.url,
  });

  it('opens a run in the name of the person whose key is its secret, by the manifest of its class (1.x)', async () => {
    const authProvider = new ClientCredentialsProvider(credentials());
    expect(await read1(authProvider)).toEqual(['note_read']);
    const tokens = authProvider.tokens();
    expect(decodeJwt(tokens?.access_token as string)).toMatchObject({ sub: ADA, aud: endpoint().href });
    expect(await runOf(tokens)).toMatchObject({
      agent: { class: 'notes-agent' },
      requestedBy: ADA,
      purpose: 'Reads the notes that people ask about',
    });
  });

  it('does so with 2.x', async () => {
    const authProvider = new sdk2.ClientCredentialsProvider(credentials());
    expect(await read2(authProvider)).toEqual(['note_read']);
    expect(await runOf(authProvider.tokens())).toMatchObject({ requestedBy: ADA });
  });

  it('authenticates with an assertion that its own key signs, both lines', async () => {
    const options = { clientId: signer.id, privateKey: pem, algorithm: 'ES256', expectedIssuer: stack.url };
    const ran = await stock({ options, providers: ['jwt1', 'jwt2'] });
    expect(ran).toMatchObject(Array(2).fill({ tools: ['note_read'], isError: false }));
    for (const { tokens } of ran) expect(await runOf(tokens)).toMatchObject({ requestedBy: 'service:list-agent' });
  });

  it('brings an assertion of an identity provider, in the name of its person (enterprise-managed authorization)', async () => {
    const authProvider = new sdk2.CrossAppAccessProvider({
      assertion: ({ authorizationServerUrl, resourceUrl }) =>
        provider.assertion(authorizationServerUrl, { client_id: 'mail-agent', resource: resourceUrl }),
      clientId: 'mail-agent',
      clientSecret: service.key,
      expectedIssuer: stack.url,
    });
    expect(await read2(authProvider)).toEqual(['note_read']);
    expect(await runOf(authProvider.tokens())).toMatchObject({ agent: { class: 'mail-agent' }, requestedBy: ADA });
  });

  it('proves possession with nonces of the authorization server and of the resource (DPoP), for one run', async () => {
    const before = await runs();
    const [ran] = await stock({ options: credentials(), providers: ['dpop2'] });
    expect(ran).toMatchObject({ tools: ['note_read'], isError: false, tokens: { token_type: 'DPoP' } });
    expect(await runs()).toBe(before + 1);
    const bound = ran?.tokens.access_token as string;
    expect(decodeJwt(bound).cnf).toEqual({ jkt: ran?.jkt });
    const stolen = await fetch(endpoint(), { method: 'POST', headers: { authorization: `Bearer ${bound}` } });
    expect([stolen.status, stolen.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^DPoP error="invalid_dpop_proof", /),
    ]);
  });

  it('gets a token that is of no use at another server, nor for the API', async () => {
    const authProvider = new sdk2.ClientCredentialsProvider(credentials());
    await read2(authProvider);
    const authorization = `Bearer ${authProvider.tokens()?.access_token}`;
    const elsewhere = await fetch(endpoint('other'), { method: 'POST', headers: { authorization } });
    const api = await fetch(`${stack.url}/v1/permissions/self`, { headers: { authorization } });
    expect([elsewhere.status, api.status]).toEqual([401, 401]);
  });

  it('is led to no code, and nothing is redirected', async () => {
    const query = 'response_type=code&client_id=x&redirect_uri=https://thief.example/&state=1';
    const answer = await fetch(`${stack.url}/oauth/authorize?${query}`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    expect(await answer.json()).toMatchObject({ error: 'unsupported_response_type' });
  });

  it('finds the metadata that the conformance suite wants, but for the authorization code', async () => {
    const found = await runAuthorizationScenario(stack.url, 'authorization-server-metadata-endpoint');
    const wanted = ['response_types_supported', 'code_challenge_methods_supported'].map(
      (name) => `Response body does not include valid "${name}" claim`,
    );
    expect(Object.values(found)).toEqual([
      [`authorization-server-metadata FAILURE: ${wanted.join(', ')}`, 'authorization-server-metadata-cimd WARNING'],
    ]);
  });

  describe('by client_credentials', () => {
    const ask = (fields: Record<string, string>, headers: Record<string, string>): Promise<Answer> =>
      token({ grant_type: 'client_credentials', ...fields }, headers);
    const asked = details({ actions: { allow: ['notes.read'] } }, { agent: { class: 'notes-agent' } });

    it('gets what its details ask for, within the manifest, and once for an Idempotency-Key', async () => {
      const headers = { ...basic('notes-agent', own.key), 'idempotency-key': 'one' };
      const first = await ask({ authorization_details: asked }, headers);
      expect([first.status, first.body.token_type, first.body.refresh_token]).toEqual([200, 'Bearer', undefined]);
      const again = await ask({ authorization_details: asked }, headers);
      expect(again.body.access_token).toBe(first.body.access_token);
      const wide = details({ actions: { allow: ['other.read'] } }, { agent: { class: 'notes-agent' } });
      const wider = await ask({ authorization_details: wide }, basic('notes-agent', own.key));
      expect([wider.status, wider.body.error]).toEqual([400, 'invalid_authorization_details']);
    });

    it.each<[string, Record<string, string>, () => Record<string, string>, string]>([
      ['no client', {}, () => ({}), 'invalid_client'],
      ['a wrong secret', {}, () => basic('notes-agent', `${own.key}x`), 'invalid_client'],
      ['the secret of another client', {}, () => basic('mail-agent', own.key), 'invalid_client'],
      ['a key of a person without a role', {}, () => basic('reader', plain.key), 'unauthorized_client'],
      ['a key of another role', {}, () => basic('enforcer', stack.keys.enforcer as string), 'unauthorized_client'],
      ['a scope', { scope: 'notes' }, () => basic('notes-agent', own.key), 'invalid_scope'],
      ['another resource', { resource: 'https://a.example' }, () => basic('notes-agent', own.key), 'invalid_target'],
      ['no details and no manifest of its class', {}, () => basic('ben', ben.key), 'invalid_authorization_details'],
      ['no details and no words', {}, () => basic('silent-agent', silent.key), 'invalid_authorization_details'],
    ])('gets nothing with %s', async (_what, fields, headers, error) => {
      const { status, body } = await ask(fields, headers());
      expect([status >= 400, body.error, body.access_token]).toEqual([true, error, undefined]);
    });
  });
});
