import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeLogger } from '@bailiwick/platform/logging';
import { Networks } from '@bailiwick/platform/networks';
import { Outbound } from '@bailiwick/platform/outbound/outbound';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { NotReached, UpstreamGone } from './connection';
import { HttpConnection } from './streamable-http';
import { Upstream } from './upstream';

interface Received {
  readonly id?: number;
  readonly method: string;
  readonly params: Record<string, unknown> & { readonly _meta?: Record<string, unknown> };
  readonly headers: IncomingMessage['headers'];
}
type Answering = (message: Received, response: ServerResponse) => unknown;

const INPUT = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    deep: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'N' } } },
    other: { type: 'string' },
  },
};
const WHO = { method: 'elicitation/create', params: { message: 'Who?' } };
const TOOLS = [
  { name: 'look_up', inputSchema: INPUT },
  { name: 'hidden', inputSchema: { type: 'object' } },
];

const send = (response: ServerResponse, value: object, status = 200): unknown =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...value }));

/** Answers as a server that knows 2026-07-28 only. */
const stateless: Answering = ({ id, method, headers }, response) => {
  if (headers['mcp-protocol-version'] !== '2026-07-28')
    return send(response, { id: null, error: { code: -32022, message: 'Unsupported protocol version' } }, 400);
  const result = (value: object): unknown => send(response, { id, result: { resultType: 'complete', ...value } });
  if (method === 'server/discover') return result({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} } });
  if (method === 'tools/list') return result({ tools: TOOLS, ttlMs: 0, cacheScope: 'private' });
  return result({ content: [], 'x-kept': 1.5 });
};
/** Answers as a server that knows 2025-11-25. */
const initializing: Answering = ({ id, method }, response) => {
  if (id === undefined) return response.writeHead(202).end();
  if (method === 'initialize')
    return send(response, { id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: {} } });
  return send(response, { id, result: method === 'tools/list' ? { tools: TOOLS } : { content: [] } });
};

describe('Upstream', () => {
  let server: Server;
  let outbound: Outbound;
  let answering: Answering;
  let resuming: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined;
  const received: Received[] = [];
  const upstreams: Upstream[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (request.method === 'GET' && resuming) return resuming(request, response);
        if (request.method !== 'POST') return response.writeHead(405).end();
        const message = { ...(JSON.parse(text) as Received), headers: request.headers };
        received.push(message);
        return answering(message, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    outbound = new Outbound(new Networks(['127.0.0.1']));
  });
  afterAll(() => {
    outbound.close();
    server.closeAllConnections();
    server.close();
  });
  afterEach(async () => {
    await Promise.all(upstreams.splice(0).map((each) => each.close()));
    received.length = 0;
    resuming = undefined;
  });

  function upstream(as: Answering, tools?: readonly string[]): Upstream {
    answering = as;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp?key=secret`;
    const made = new Upstream(
      { tenant: 'default', name: 's', config: { upstream: { url }, tools }, identity: 'i', source: 'api' },
      () => new HttpConnection(url, { headers: async () => ({ 'x-upstream': 'secret' }) }, outbound),
      makeLogger('test', 'silent'),
    );
    upstreams.push(made);
    return made;
  }
  const call = (to: Upstream, args: Record<string, unknown> = {}, signal = new AbortController().signal) =>
    to.call({ name: 'look_up', arguments: args }, { signal });

  it('uses a server that knows the stateless revision only, with what each of its requests must state', async () => {
    const own = upstream(stateless);
    expect((await own.tools()).map(({ name }) => name)).toEqual(['look_up', 'hidden']);
    const args = { region: 'Zürich', deep: { n: 7 }, other: 'not sent' };
    expect(await call(own, args)).toEqual({ ok: true, result: '{"content":[],"x-kept":1.5}' });
    const [initialize, ...others] = received;
    expect(initialize?.method).toBe('initialize');
    expect(others.map(({ method }) => method)).toEqual(['server/discover', 'tools/list', 'tools/call']);
    for (const { method, headers, params } of others) {
      expect(params._meta).toMatchObject({
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      });
      expect([headers['mcp-method'], headers['mcp-session-id']]).toEqual([method, undefined]);
    }
    const { headers } = others[2] as Received;
    expect(headers).toMatchObject({
      'mcp-name': 'look_up',
      'mcp-param-region': '=?base64?WsO8cmljaA==?=',
      'mcp-param-n': '7',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('mcp-param-'))).toHaveLength(2);
  });

  it('initializes a server that knows an earlier revision, and states nothing of the stateless one', async () => {
    const own = upstream(initializing);
    await own.tools();
    expect(await call(own)).toEqual({ ok: true, result: '{"content":[]}' });
    expect(received.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
      'tools/call',
    ]);
    expect(JSON.stringify(received)).not.toContain('io.modelcontextprotocol');
  });

  it('states what a client can be asked, asks it for what the server needs, and sends the request again', async () => {
    const asking: Answering = (message, response) =>
      message.method === 'tools/call' && message.params.inputResponses === undefined
        ? send(response, {
            id: message.id,
            result: { resultType: 'input_required', inputRequests: { who: WHO }, requestState: 'of the server' },
          })
        : stateless(message, response);
    const side = { capabilities: { elicitation: { form: {} } }, request: jest.fn(), notified: jest.fn() };
    const own = upstream(asking).separately(side);
    const input = jest.fn(() => Promise.resolve([{ result: { action: 'accept' } }]));
    const { signal } = new AbortController();
    const answer = await own.call({ name: 'look_up', arguments: { region: 'x' } }, { signal, input });
    expect(answer).toEqual({ ok: true, result: '{"content":[],"x-kept":1.5}' });
    expect(input).toHaveBeenCalledWith([{ key: 'who', ...WHO }], expect.any(AbortSignal));
    const [first, second] = received.filter(({ method }) => method === 'tools/call');
    const { _meta: meta, ...params } = second?.params ?? {};
    expect(params).toEqual({
      name: 'look_up',
      arguments: { region: 'x' },
      inputResponses: { who: { action: 'accept' } },
      requestState: 'of the server',
    });
    for (const each of [first?.params._meta, meta])
      expect(each).toMatchObject({ 'io.modelcontextprotocol/clientCapabilities': side.capabilities });
  });

  it('passes no result on that asks a client that cannot be asked', async () => {
    const own = upstream((message, response) =>
      message.method === 'tools/call'
        ? send(response, { id: message.id, result: { resultType: 'input_required', inputRequests: { who: WHO } } })
        : stateless(message, response),
    );
    await expect(call(own)).rejects.toThrow('a client that cannot be asked');
  });

  it.each([
    `{"resultType":"input_required","inputRequests":{"who":${JSON.stringify(WHO)}},"requestState":"x"}`,
    '{"content":[],"resultType":"input_required"}',
    '{ "result\\u0054ype" : "input_required" }',
    // readers differ in which of two members of one name they take
    '{"resultType":"input_required","content":[],"resultType":"complete"}',
    '{"resultType":"complete","content":[],"resultType":"input_required"}',
    '{"resultType":["input_required"]}',
  ])('passes on no %s of a server of an earlier revision, which has no such results', async (result) => {
    const own = upstream((message, response) =>
      message.method === 'tools/call'
        ? response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(`{"jsonrpc":"2.0","id":${message.id ?? 0},"result":${result}}`)
        : initializing(message, response),
    );
    const input = jest.fn();
    const made = own.call({ name: 'look_up', arguments: {} }, { signal: new AbortController().signal, input });
    await expect(made).rejects.toThrow(UpstreamGone);
    expect(input).not.toHaveBeenCalled();
  });

  it.each([
    '{"content":[{"resultType":"input_required"}]}',
    '{"resultType":"complete","content":[]}',
    '{"a":"\\u0054"}',
  ])('passes on %s of such a server as it is', async (result) => {
    const own = upstream((message, response) =>
      message.method === 'tools/call'
        ? response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(`{"jsonrpc":"2.0","id":${message.id ?? 0},"result":${result}}`)
        : initializing(message, response),
    );
    expect(await call(own)).toEqual({ ok: true, result });
  });

  it('takes up the response to a call again that its server ends before the answer, until it has the answer', async () => {
    const stream = (response: ServerResponse, text: string): unknown =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
    const taken: (string | undefined)[] = [];
    let call: number | undefined;
    resuming = ({ headers }, response) => {
      if (headers['last-event-id'] === undefined) return response.writeHead(405).end();
      taken.push(String(headers['last-event-id']));
      const answer = JSON.stringify({ jsonrpc: '2.0', id: call, result: { content: [] } });
      return stream(response, taken.length === 1 ? 'id: two\nretry: 1\n\n' : `id: three\ndata: ${answer}\n\n`);
    };
    const own = upstream((message, response) => {
      if (message.method !== 'tools/call') return initializing(message, response);
      call = message.id;
      return stream(response, 'id: one\nretry: 1\ndata: \n\n');
    });
    expect(await own.call({ name: 'look_up', arguments: {} }, { signal: new AbortController().signal })).toEqual({
      ok: true,
      result: '{"content":[]}',
    });
    expect(taken).toEqual(['one', 'two']);
    resuming = (_request, response) => response.writeHead(404).end();
    const lost = own.call({ name: 'look_up', arguments: {} }, { signal: new AbortController().signal });
    await expect(lost).rejects.toThrow('ended its response without an answer');
  });

  it('takes up a response at most as often as the limit states, the answer to the last time included', async () => {
    const most = BOUNDARY_LIMITS.resumes;
    let taken = 0;
    let answersAt = most;
    let call: number | undefined;
    const stream = (response: ServerResponse, text: string): unknown =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
    resuming = ({ headers }, response) => {
      if (headers['last-event-id'] === undefined) return response.writeHead(405).end();
      const answer = JSON.stringify({ jsonrpc: '2.0', id: call, result: {} });
      return stream(response, ++taken === answersAt ? `data: ${answer}\n\n` : `id: ${taken}\ndata: \n\n`);
    };
    const own = upstream((message, response) => {
      if (message.method !== 'tools/call') return initializing(message, response);
      call = message.id;
      taken = 0;
      return stream(response, 'id: 0\nretry: 0\ndata: \n\n');
    });
    const made = () => own.call({ name: 'look_up', arguments: {} }, { signal: new AbortController().signal });
    expect([await made(), taken]).toEqual([{ ok: true, result: '{}' }, most]);
    answersAt = most + 1;
    await expect(made()).rejects.toThrow('ended its response without an answer');
    expect(taken).toBe(most);
  });

  it('has the tools only that its registration names', async () => {
    expect((await upstream(stateless, ['look_up', 'absent']).tools()).map(({ name }) => name)).toEqual(['look_up']);
  });

  it.each<[string, Answering, boolean]>([
    ['sees the connection end, if it is stateless', stateless, false],
    ['is sent a cancellation, if it is not', initializing, true],
  ])('ends a call without an answer when it is aborted, and the server %s', async (_what, as, isNotified) => {
    const abort = new AbortController();
    let ended: Promise<unknown> | undefined;
    let notified = (): void => undefined;
    const cancellation = new Promise<void>((resolve) => (notified = resolve));
    const own = upstream((message, response) => {
      if (message.method === 'notifications/cancelled') notified();
      if (message.method !== 'tools/call') return as(message, response);
      ended = once(response, 'close');
      return abort.abort();
    });
    await expect(call(own, {}, abort.signal)).rejects.toThrow(UpstreamGone);
    await ended;
    if (isNotified) await cancellation;
    expect(received.some(({ method }) => method === 'notifications/cancelled')).toBe(isNotified);
  });

  it.each<[string, Answering, string]>([
    ['dies in the middle of a message', (_m, response) => (response.write('{"jsonrpc"'), response.destroy()), 'failed'],
    [
      'dies in the middle of a stream',
      (_m, response) => {
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write('data: {"jsonrpc":"2.0","method":"x"}\n\n');
        response.destroy();
      },
      'failed',
    ],
    [
      'ends a stream without an answer',
      (_m, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n'),
      'without an answer',
    ],
    [
      'redirects to another address',
      (_m, response) => response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
      'redirect',
    ],
    ['answers no JSON', (_m, response) => response.writeHead(500).end('secret'), 'without an MCP message'],
  ])('fails a call in doubt, without what it was sent, if the server %s', async (_what, as, why) => {
    const own = upstream((message, response) =>
      message.method === 'tools/call' ? as(message, response) : initializing(message, response),
    );
    const failure = await call(own).catch((error: unknown) => error as Error);
    expect(failure).toBeInstanceOf(UpstreamGone);
    expect(failure).not.toBeInstanceOf(NotReached);
    expect((failure as Error).message).toContain(why);
    expect((failure as Error).message).not.toContain('secret');
  });

  it('takes the first of two answers of a stream', async () => {
    const own = upstream((message, response) => {
      if (message.method !== 'tools/call') return initializing(message, response);
      const data = (n: number) => `data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { n } })}\n\n`;
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(data(1) + data(2));
    });
    expect(await call(own)).toEqual({ ok: true, result: '{"n":1}' });
  });
});
