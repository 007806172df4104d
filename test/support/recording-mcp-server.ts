import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Rpc {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown>; readonly _meta?: unknown };
}

/** What the server received of one call. */
export interface ReceivedCall {
  readonly name: string | undefined;
  readonly args: Record<string, unknown> | undefined;
  readonly meta: unknown;
  readonly headers: IncomingHttpHeaders;
}

/** How a tool of the server answers: the text of the whole response message for an id; undefined if it never does. */
type Behavior = (id: number, args: Record<string, unknown>) => string | undefined;

const done = (id: number): string =>
  `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"done","x-unknown":1.50}],"x-more":{"b":1,"a":2}}}`;

/** An MCP server over HTTP that records what reaches it. Its tools and their answers can be changed while it runs. */
export class RecordingMcpServer {
  readonly calls: ReceivedCall[] = [];
  readonly canceled: unknown[] = [];
  readonly behaviors = new Map<string, Behavior>();

  private constructor(
    private readonly server: Server,
    public tools: readonly Record<string, unknown>[],
  ) {}

  static async start(tools: readonly Record<string, unknown>[]): Promise<RecordingMcpServer> {
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (request.method !== 'POST') return response.writeHead(405).end();
        const message = JSON.parse(text) as Rpc;
        if (message.id === undefined) {
          if (message.method === 'notifications/cancelled') recording.canceled.push(message.params);
          return response.writeHead(202).end();
        }
        const answer = recording.answer(message as Rpc & { id: number }, request.headers);
        if (answer !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
        return undefined;
      });
    });
    const recording = new RecordingMcpServer(server, tools);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return recording;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/mcp`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer({ id, method, params = {} }: Rpc & { id: number }, headers: IncomingHttpHeaders): string | undefined {
    const result = (value: unknown): string => JSON.stringify({ jsonrpc: '2.0', id, result: value });
    if (method === 'initialize')
      return result({
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'recording', version: '1' },
      });
    if (method === 'tools/list') return result({ tools: this.tools });
    if (method !== 'tools/call')
      return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } });
    this.calls.push({ name: params.name, args: params.arguments, meta: params._meta, headers });
    const behave = this.behaviors.get(params.name ?? '') ?? done;
    return behave(id, params.arguments ?? {});
  }
}
