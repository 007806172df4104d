import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { InProcessBoundary } from '../../support/boundary';
import { runClientScenario, type Revision } from '../../support/mcp/conformance-suite';

interface Scenario {
  readonly scenario: string;
  readonly url: string;
  readonly context: {
    readonly toolCalls?: readonly { name: string; arguments: Record<string, unknown> }[];
    readonly client_id?: string;
    readonly client_secret?: string;
  };
}

const CATALOG = [{ tools: ['mcp__s__*', 'mcp__s__*/*'], verb: 's.use', effects: ['read'], risk: 'low' }];

/** What the agent does in a scenario, through the boundary; others list the tools and call each of them. */
const AGENT: Record<string, (client: Client) => Promise<void>> = {
  tools_call: async (client) => {
    await client.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } });
  },
  'http-standard-headers': async (client) => {
    const [tool] = (await client.listTools()).tools;
    if (tool) await client.callTool({ name: tool.name, arguments: {} });
    const [resource] = (await client.listResources()).resources;
    if (resource) await client.readResource({ uri: resource.uri });
    const [prompt] = (await client.listPrompts()).prompts;
    if (prompt) await client.getPrompt({ name: prompt.name, arguments: {} });
  },
};

const VALUES: Record<string, unknown> = { string: 'x', number: 1, integer: 1, boolean: true, object: {}, array: [] };
const argumentsFor = ({ properties = {} }: { properties?: object }): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(properties as Record<string, { type: string }>).map(([name, { type }]) => [name, VALUES[type]]),
  );

async function act(client: Client, { scenario, context }: Scenario): Promise<void> {
  const { tools } = await client.listTools();
  const agent = AGENT[scenario];
  if (agent) return agent(client);
  const calls =
    context.toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: argumentsFor(inputSchema) }));
  for (const call of calls) await client.callTool(call).catch(() => undefined);
}

/**
 * The credentials of a scenario, as an operator configures them: with the one issuer that they are for. Where the client would
 * register itself, the scenario takes any.
 */
async function authOf({ scenario, url, context }: Scenario): Promise<{ auth?: object }> {
  if (!scenario.startsWith('auth/')) return {};
  const { origin, pathname } = new URL(url);
  const metadata = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  const { authorization_servers: servers } = (await metadata.json()) as { authorization_servers: string[] };
  const { client_id: clientId = 'boundary', client_secret: clientSecret = 'secret' } = context;
  return { auth: { kind: 'client_credentials', issuer: servers[0], clientId, clientSecret } };
}

async function run(asked: Scenario): Promise<void> {
  const boundary = await InProcessBoundary.start({ s: { url: asked.url, ...(await authOf(asked)) } }, CATALOG);
  const client = new Client(
    { name: 'agent', version: '1' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
      versionNegotiation: { mode: 'auto' },
    },
  );
  client.setRequestHandler('elicitation/create', () => ({
    action: 'accept' as const,
    content: { name: 'Ada', ok: true },
  }));
  const requestInit = { headers: { authorization: `Bearer ${boundary.open('1')}` } };
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(`${boundary.url}/s`), { requestInit }));
    await act(client, asked);
  } finally {
    await client.close();
    await boundary.stop();
  }
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

/** It is registered by an operator, and no person gives it consent. */
const NO_AUTHORIZATION = ['client-registration', 'authorization-request', 'resource-parameter-in-authorization'];

/** Checks that do not hold, and why. */
const OTHERWISE: Record<string, readonly string[]> = {
  // the first request is `initialize`, which servers of every revision answer at once; the scenario wants no other revision
  'request-metadata': [
    'sep-2575-client-populates-meta',
    'sep-2575-client-sends-client-info',
    'sep-2575-http-client-sends-version-header',
  ],
  // the schema of the tool does not admit the null that the agent sends, so that the call is denied
  'http-custom-headers': ['sep-2243-client-omit-null'],
  // there is no authorization request: no person gives the boundary consent
  'auth/token-endpoint-auth-post': ['resource-parameter-in-authorization'],
  'auth/token-endpoint-auth-basic': ['resource-parameter-in-authorization'],
  'auth/metadata-default': NO_AUTHORIZATION,
  'auth/metadata-var1': NO_AUTHORIZATION,
};

describe('the boundary as a client of MCP servers', () => {
  const control = createServer((request, response) => {
    bodyOf(request)
      .then((text) => run(JSON.parse(text) as Scenario))
      .then(
        () => response.end('done'),
        (error: unknown) => response.writeHead(500).end((error as Error).stack),
      );
  });
  beforeAll(() => new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve)));
  afterAll(() => control.close());

  it.each<[string, Revision]>([
    ['tools_call', '2026-07-28'],
    ['request-metadata', '2026-07-28'],
    ['sep-2322-client-request-state', '2026-07-28'],
    ['http-standard-headers', '2026-07-28'],
    ['http-custom-headers', '2026-07-28'],
    ['http-invalid-tool-headers', '2026-07-28'],
    ['json-schema-ref-no-deref', '2026-07-28'],
    ['initialize', '2025-11-25'],
    ['tools_call', '2025-11-25'],
    ['elicitation-sep1034-client-defaults', '2025-11-25'],
    ['sse-retry', '2025-11-25'],
    ['auth/client-credentials-basic', '2026-07-28'],
    ['auth/pre-registration', '2026-07-28'],
    ['auth/token-endpoint-auth-post', '2026-07-28'],
    ['auth/token-endpoint-auth-basic', '2026-07-28'],
    ['auth/resource-mismatch', '2026-07-28'],
    ['auth/metadata-default', '2026-07-28'],
    ['auth/metadata-var1', '2026-07-28'],
    ['auth/metadata-issuer-mismatch', '2026-07-28'],
  ])(
    'passes the scenario %s of %s',
    async (scenario, revision) => {
      const address = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
      const outcome = await runClientScenario(address, revision, scenario);
      const checks = Object.values(outcome).flat();
      expect(checks.length).toBeGreaterThan(0);
      const failed = checks.filter((check) => !/ (SUCCESS|SKIPPED)$/.test(check)).map((check) => check.split(' ')[0]);
      expect(failed.sort()).toEqual([...(OTHERWISE[scenario] ?? [])].sort());
    },
    60_000,
  );
});
