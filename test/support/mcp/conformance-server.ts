/* eslint-disable @typescript-eslint/no-deprecated -- the scenarios need what 2026-07-28 deprecates */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import {
  acceptedContent,
  createMcpHandler,
  createRequestStateCodec,
  hostHeaderValidationResponse,
  inputRequired,
  localhostAllowedHostnames,
  ProtocolError,
  Server,
  WebStandardStreamableHTTPServerTransport,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { PNG, TOOLS } from './conformance-tools';

const CACHE = { ttlMs: 1_000, cacheScope: 'private' } as const;
const RESOURCES = [
  { uri: 'test://static-text', name: 'text', description: 'A text.', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'image', description: 'An image.', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'watched', description: 'A text that changes.', mimeType: 'text/plain' },
];
const user = (content: object) => ({ role: 'user' as const, content: content as never });
const textOf = (text: string) => user({ type: 'text', text });
const PROMPTS: Record<
  string,
  { description: string; arguments: string[]; get: (args: Record<string, string>) => object[] }
> = {
  test_simple_prompt: {
    description: 'A prompt.',
    arguments: [],
    get: () => [textOf('This is a simple prompt for testing.')],
  },
  test_prompt_with_arguments: {
    description: 'A prompt with two arguments.',
    arguments: ['arg1', 'arg2'],
    get: ({ arg1, arg2 }) => [textOf(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  },
  test_prompt_with_embedded_resource: {
    description: 'A prompt with a resource.',
    arguments: ['resourceUri'],
    get: ({ resourceUri: uri }) => [
      user({
        type: 'resource',
        resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
      }),
      textOf('Please process the embedded resource above.'),
    ],
  },
  test_prompt_with_image: {
    description: 'A prompt with an image.',
    arguments: [],
    get: () => [user({ type: 'image', data: PNG, mimeType: 'image/png' }), textOf('Please analyze the image above.')],
  },
  test_input_required_result_prompt: {
    description: 'A prompt that asks.',
    arguments: [],
    get: () => [],
  },
};

/**
 * A server with all that the scenarios of the MCP conformance suite ask for (STANDARDS.md, section 11.1):
 * `/mcp` takes requests of 2026-07-28 alone, `/sessions` those of 2025-11-25, each client in a session.
 */
export class ConformanceServer {
  private readonly states = createRequestStateCodec({ key: randomBytes(32) });
  private readonly stateless: McpHttpHandler;
  private readonly sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  private http: HttpServer | undefined;

  constructor() {
    this.stateless = createMcpHandler(() => this.server(), { legacy: 'reject', keepAliveMs: 0 });
  }

  async start(): Promise<void> {
    const http = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
    this.http = http;
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  }

  url(path: 'mcp' | 'sessions'): string {
    return `http://127.0.0.1:${(this.http?.address() as AddressInfo).port}/${path}`;
  }

  async stop(): Promise<void> {
    await this.stateless.close();
    for (const each of this.sessions.values()) await each.close();
    this.http?.closeAllConnections();
    await new Promise((resolve) => this.http?.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const stop = new AbortController();
    response.on('close', () => stop.abort());
    const { method = 'GET', headers } = request;
    const asked = new Request(new URL(request.url ?? '/', this.url('mcp')), {
      method,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      ...(method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
      signal: stop.signal,
    });
    const answered =
      hostHeaderValidationResponse(asked, localhostAllowedHostnames()) ??
      (asked.url.endsWith('/sessions') ? await this.inSession(asked) : await this.stateless.fetch(asked));
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    if (!answered.body) return void response.end();
    Readable.fromWeb(answered.body)
      .on('error', () => response.destroy())
      .pipe(response);
  }

  private async inSession(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id !== null)
      return this.sessions.get(id)?.handleRequest(request) ?? new Response('no such session', { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void this.sessions.set(session, transport),
    });
    await this.server().connect(transport);
    return transport.handleRequest(request);
  }

  /** A server for one session, or one request. */
  private server(): Server {
    const capabilities = {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true },
      completions: {},
      logging: {},
    };
    const requestState = { verify: this.states.verify };
    const server = new Server({ name: 'conformance', version: '1.0.0' }, { capabilities, requestState });
    server.setRequestHandler('tools/list', () => ({
      tools: Object.entries(TOOLS).map(([name, { description, inputSchema = { type: 'object' } }]) => ({
        name,
        description,
        inputSchema: inputSchema as { type: 'object' },
      })),
      ...CACHE,
    }));
    server.setRequestHandler('tools/call', (request, context) => {
      const { name, arguments: args = {}, _meta: meta } = request.params;
      const tool = TOOLS[name];
      if (!tool) throw new ProtocolError(-32602, `Unknown tool: ${name}`);
      const changed = {
        tools: () => this.stateless.notify.toolsChanged(),
        prompts: () => this.stateless.notify.promptsChanged(),
      };
      const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
      const stated = envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? server.getClientCapabilities() ?? {};
      const progressToken = meta?.progressToken;
      const capabilities = stated as Record<string, unknown>;
      return tool.run({ args, context, capabilities, progressToken, changed, states: this.states });
    });
    server.setRequestHandler('resources/list', () => ({ resources: RESOURCES, ...CACHE }));
    server.setRequestHandler('resources/templates/list', () => ({
      resourceTemplates: [
        { uriTemplate: 'test://template/{id}/data', name: 'data', description: 'Data.', mimeType: 'application/json' },
      ],
      ...CACHE,
    }));
    server.setRequestHandler('resources/read', (request) => ({ contents: [contentOf(request.params.uri)], ...CACHE }));
    for (const method of ['resources/subscribe', 'resources/unsubscribe'] as const)
      server.setRequestHandler(method, () => ({}));
    server.setRequestHandler('prompts/list', () => ({
      prompts: Object.entries(PROMPTS).map(([name, { description, arguments: args }]) => ({
        name,
        description,
        arguments: args.map((each) => ({ name: each, description: 'An argument.', required: true })),
      })),
      ...CACHE,
    }));
    server.setRequestHandler('prompts/get', (request, context) => {
      const { name, arguments: args = {} } = request.params;
      if (name === 'test_input_required_result_prompt') {
        const content = acceptedContent<{ context: string }>(context.mcpReq.inputResponses, 'user_context');
        if (content) return { messages: [textOf(content.context)] };
        const requestedSchema = {
          type: 'object' as const,
          properties: { context: { type: 'string' as const } },
          required: ['context'],
        };
        const message = 'What context should the prompt use?';
        return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message, requestedSchema }) } });
      }
      const prompt = PROMPTS[name];
      if (!prompt) throw new ProtocolError(-32602, `Unknown prompt: ${name}`);
      return { messages: prompt.get(args) as never };
    });
    server.setRequestHandler('completion/complete', () => ({
      completion: { values: ['paris', 'park', 'party'], total: 150, hasMore: false },
    }));
    return server;
  }
}

function contentOf(uri: string): { uri: string; mimeType: string } & ({ text: string } | { blob: string }) {
  if (uri === 'test://static-text')
    return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: PNG };
  if (uri === 'test://watched-resource') return { uri, mimeType: 'text/plain', text: 'Watched.' };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new ProtocolError(-32602, 'Resource not found', { uri });
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { uri, mimeType: 'application/json', text: JSON.stringify(data) };
}
