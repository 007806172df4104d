import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { InProcessBoundary } from '../support/boundary';

const EVERYTHING = {
  command: process.execPath,
  args: [require.resolve('@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'],
};
const entry = (tool: string, verb: string, effects: string[] = ['read']) => ({
  tools: [`mcp__every__${tool}`],
  verb: `every.${verb}`,
  effects,
  risk: 'low',
});
const CATALOG = [
  entry('*', 'use'),
  entry('get-env', 'env'),
  entry('resources/read', 'read'),
  entry('prompts/get', 'prompt'),
  entry('completion/complete', 'complete'),
  entry('sampling/createMessage', 'sample', ['external']),
  entry('elicitation/create', 'elicit', ['external']),
  entry('roots/list', 'roots'),
  entry('logging/setLevel', 'log'),
];
const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} };
type Asked = { method: string; params: object };

describe('the boundary in front of server-everything', () => {
  let boundary: InProcessBoundary;
  let direct: Client1;
  const clients: { close(): Promise<void> }[] = [];
  const asked: Asked[] = [];

  /** Answers what servers ask, the same on each connection. */
  function answering<T extends Client1>(client: T): T {
    const seen = (request: unknown): void => void asked.push(request as Asked);
    client.setRequestHandler(CreateMessageRequestSchema, (request) => {
      seen(request);
      return { model: 'scripted', role: 'assistant' as const, content: { type: 'text' as const, text: 'hello' } };
    });
    client.setRequestHandler(ElicitRequestSchema, (request) => {
      seen(request);
      return { action: 'accept' as const, content: { name: 'Ada' } };
    });
    client.setRequestHandler(ListRootsRequestSchema, (request) => {
      seen(request);
      return { roots: [{ uri: 'file:///work', name: 'work' }] };
    });
    return client;
  }
  const first = (capabilities = {}) => new Client1({ name: 'stock', version: '1' }, { capabilities });

  async function connect(token: string, capabilities: object = {}): Promise<Client1> {
    const client = Object.keys(capabilities).length > 0 ? answering(first(capabilities)) : first();
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${boundary.url}/every`), { requestInit }));
    clients.push(client);
    return client;
  }
  async function connect2(token: string, capabilities: object = {}): Promise<Client2> {
    const client = new Client2({ name: 'stock', version: '1' }, { capabilities, versionNegotiation: { mode: 'auto' } });
    if (Object.keys(capabilities).length > 0) {
      client.setRequestHandler('elicitation/create', (request) => {
        asked.push(request);
        return { action: 'accept' as const, content: { name: 'Ada' } };
      });
      client.setRequestHandler('sampling/createMessage', (request) => {
        asked.push(request);
        return { model: 'scripted', role: 'assistant' as const, content: { type: 'text' as const, text: 'hello' } };
      });
    }
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new Transport2(new URL(`${boundary.url}/every`), { requestInit }));
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    clients.push(client);
    return client;
  }
  const ask = (client: Client1, method: string, params: object = {}) =>
    client
      .request({ method, params } as never, ResultSchema)
      .catch((error: unknown) => ({ error: (error as { code: number }).code }));

  beforeAll(async () => {
    boundary = await InProcessBoundary.start({ every: EVERYTHING }, CATALOG);
    direct = answering(first(CAPABILITIES));
    await direct.connect(
      new StdioClientTransport({ ...EVERYTHING, env: { PATH: process.env.PATH ?? '' }, stderr: 'ignore' }),
    );
    clients.push(direct);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await boundary.stop();
  });
  beforeEach(() => {
    asked.length = 0;
    boundary.decide = () => ({});
    boundary.commands.length = 0;
  });

  it('answers all that the lease permits as the server does, its requests to the client included', async () => {
    const through = await connect(boundary.open('1'), CAPABILITIES);
    const lists = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'];
    for (const method of lists)
      expect([method, await ask(through, method)]).toEqual([method, await ask(direct, method)]);
    const call = (name: string, args: object = {}): [string, object] => ['tools/call', { name, arguments: args }];
    const steps: [string, object][] = [
      call('echo', { message: 'hi ☃' }),
      call('get-sum', { a: 1, b: 2 }),
      call('get-tiny-image'),
      call('get-annotated-message', { messageType: 'error', includeImage: true }),
      call('get-resource-links', { count: 2 }),
      call('get-structured-content', { location: 'Chicago' }),
      call('trigger-long-running-operation', { duration: 0.1, steps: 2 }),
      call('trigger-sampling-request', { prompt: 'go', maxTokens: 10 }),
      call('trigger-elicitation-request'),
      call('get-roots-list'),
      ['resources/read', { uri: 'demo://resource/static/document/architecture.md' }],
      ['resources/read', { uri: 'demo://resource/dynamic/text/none' }],
      ['prompts/get', { name: 'simple-prompt' }],
      ['prompts/get', { name: 'args-prompt', arguments: { city: 'Ulm', state: 'BW' } }],
      ['prompts/get', { name: 'no-such-prompt' }],
      [
        'completion/complete',
        { ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'E' } },
      ],
    ];
    for (const [method, params] of steps)
      expect([method, params, await ask(through, method, params)]).toEqual([
        method,
        params,
        await ask(direct, method, params),
      ]);
    const count = (wanted: string): number => asked.filter(({ method }) => method === wanted).length;
    expect([count('sampling/createMessage'), count('elicitation/create')]).toEqual([2, 2]);
    expect(count('roots/list')).toBeGreaterThan(0); // the server also asks a while after each connection
  });

  it('lists and passes on nothing that the lease does not permit, and the server never sees it', async () => {
    const only = [{ type: 'mcp', match: 'every/resources/demo/resource/static/**' }];
    const through = await connect(boundary.open('2', { deny: ['every.prompt', 'every.use'], resources: only }));
    const names = ((await ask(through, 'resources/list')) as { resources: { uri: string }[] }).resources;
    expect(names.length).toBeGreaterThan(0);
    expect(names.every(({ uri }) => uri.startsWith('demo://resource/static/'))).toBe(true);
    expect(await ask(through, 'prompts/list')).toEqual({ prompts: [] });
    const tools = ((await ask(through, 'tools/list')) as { tools: { name: string }[] }).tools;
    expect(tools.map(({ name }) => name)).toEqual(['get-env']);
    const before = boundary.messages('prompts/get').length;
    expect(await ask(through, 'prompts/get', { name: 'simple-prompt' })).toEqual({ error: -32001 });
    const denied = await ask(through, 'tools/call', { name: 'echo', arguments: { message: 'denied' } });
    expect(denied).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
    expect(boundary.messages('prompts/get')).toHaveLength(before);
    expect(JSON.stringify(boundary.messages('tools/call'))).not.toContain('denied');
    const env = (await ask(through, 'tools/call', { name: 'get-env', arguments: {} })) as {
      content: [{ text: string }];
    };
    expect(Object.keys(JSON.parse(env.content[0].text) as object)).toEqual(['PATH']);
  });

  it.each([
    'demo://resource/static/document/../../../etc/passwd',
    'demo://resource/static/document/%2e%2e/secret',
    'demo://resource/static//document/architecture.md',
    'demo://resource\\static\\document',
    'DEMO://resource/static/document/architecture.md',
    'demo://resource/static/document/*',
    '/etc/passwd',
  ])('refuses to read %s, which is no spelling of a resource', async (uri) => {
    const through = await connect(boundary.open('3'));
    const before = boundary.messages('resources/read').length;
    expect([await ask(through, 'resources/read', { uri }), boundary.messages('resources/read').length]).toEqual([
      { error: -32602 },
      before,
    ]);
  });

  it('shows a server no capability of a client that the lease does not permit to be used', async () => {
    const through = await connect(
      boundary.open('4', { deny: ['every.sample', 'every.elicit', 'every.roots'] }),
      CAPABILITIES,
    );
    const tools = ((await ask(through, 'tools/list')) as { tools: { name: string }[] }).tools;
    expect(tools.map(({ name }) => name).filter((name) => /sampling|elicitation|roots/.test(name))).toEqual([]);
  });

  it('asks a client of 2026-07-28 in rounds, each decided again and charged once', async () => {
    const through = await connect2(boundary.open('5'), { sampling: {}, elicitation: { form: {}, url: {} } });
    const result = await through.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'go', maxTokens: 10 },
    });
    expect(JSON.stringify(result.content)).toContain('hello');
    expect(asked).toHaveLength(1);
    const verbs = boundary.commands.flatMap((each) => (each.type === 'authorize' ? [each.action.verb] : []));
    expect(verbs).toEqual(['every.use', 'every.sample', 'every.use']);
    const statuses = (await boundary.outcomes()).map((each) => each.split(' ')[1]);
    expect(statuses).toEqual(['completed', 'completed']);
    expect(
      boundary.messages('tools/call').filter(({ params }) => params.name === 'trigger-sampling-request').length,
    ).toBe(2);
  });
});
