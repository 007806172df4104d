import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { LIMITS } from '@bailiwick/core/limits';
import type { Admission } from '../auth/admission';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import type { BoundEndpoint, EndpointRegistry } from '../http/endpoints/endpoint-registry';
import { Reply } from '../http/responses/http-response';
import type { Problems } from '../http/problems/problems';
import type { Incoming } from '../http/request-context';
import { FastPath } from './fast-path';

const endpoint = (method: BoundEndpoint['method'], path: string): BoundEndpoint => ({
  method,
  path,
  summary: '',
  roles: ['enforcer'],
  status: 201,
  sources: [{ from: 'context' }],
  params: undefined,
  query: undefined,
  body: undefined,
  call: () => Reply.text(`${path} ü`, 'text/plain', { 'x-way': 'fast' }),
});
const ENDPOINTS = [
  endpoint('POST', '/v1/actions'),
  endpoint('POST', '/v1/actions::batch'),
  endpoint('POST', '/v1/runs/:id'),
  endpoint('POST', '/v1/runs/:id/end'),
  endpoint('GET', '/v1/runs/:id/receipt'),
  endpoint('POST', '/v1/runs/:id/end/:why'),
];

/** Starts a server that reports the path of a request and its contents. */
let server: Server;
const seen: Incoming[] = [];
beforeAll(async () => {
  const admission = {
    admitBody: () => Promise.resolve(),
    authenticate: (_endpoint: BoundEndpoint, request: Incoming) => {
      seen.push(request);
      return Promise.resolve({ tenant: 'default', actor: { kind: 'service', id: 'key:enforcer' } });
    },
  } as unknown as Admission;
  const registry = { endpoints: ENDPOINTS } as unknown as EndpointRegistry;
  const limiter = new ConcurrencyLimiter(100, 100, 'requests');
  const failing = { take: (tenant: string) => (seen.at(-1)?.url.endsWith('batch') ? fail() : limiter.take(tenant)) };
  const problems = { ofEndpoint: fail } as unknown as Problems;
  const fastPath = new FastPath(registry, admission, failing as unknown as ConcurrencyLimiter, problems);
  const framework = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    response.setHeader('x-way', 'framework').end('');
  };
  server = createServer(fastPath.listener(framework));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
function fail(): never {
  throw new Error('a bug');
}
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => seen.splice(0));

async function open(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Everything received until the server closes the connection. */
async function answerTo(text: string): Promise<string> {
  const socket = await open();
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return got;
}

const message = (line: string, headers: Record<string, string>, body: string): string =>
  `${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${body}`;
const JSON_BODY = { 'content-type': 'application/json', 'content-length': '7' };

it('answers a plain request itself, and returns its x-request-id', async () => {
  const got = await answerTo(message('POST /v1/actions', { ...JSON_BODY, 'x-request-id': 'r-1' }, '{"ü":1'));
  expect(got).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
  expect(got).toMatch(/\r\nx-request-id: r-1\r\n/);
  expect(got).toMatch(/\r\ncontent-length: 14\r\n/);
  expect(got.endsWith('/v1/actions ü')).toBe(true);
  expect(seen[0]?.body).toEqual(Buffer.from('{"ü":1'));
  expect(seen[0]).toMatchObject({ method: 'POST', url: '/v1/actions', params: {}, query: {} });
});

it('passes the id in the path to the handler', async () => {
  const got = await answerTo(message('POST /v1/runs/run_0_abc/end', JSON_BODY, '{"a":1}'));
  expect(got.endsWith('/v1/runs/:id/end ü')).toBe(true);
  expect(seen[0]).toMatchObject({ url: '/v1/runs/run_0_abc/end', params: { id: 'run_0_abc' }, query: {} });
});

const UNUSUAL: readonly (readonly [why: string, line: string, headers: Record<string, string>, body: string])[] = [
  ['another path', 'POST /v1/other', JSON_BODY, '{"a":1}'],
  ['another method', 'PUT /v1/actions', JSON_BODY, '{"a":1}'],
  ['a query', 'POST /v1/actions?x=1', JSON_BODY, '{"a":1}'],
  ['a path with parameters, taken literally', 'POST /v1/runs/:id', JSON_BODY, '{"a":1}'],
  ['one with an id within, taken literally', 'POST /v1/runs/:id/end', JSON_BODY, '{"a":1}'],
  ['an encoded id', 'POST /v1/runs/run%5F0/end', JSON_BODY, '{"a":1}'],
  ['no id', 'POST /v1/runs//end', JSON_BODY, '{"a":1}'],
  ['a path that only takes GET', 'POST /v1/runs/run_0/receipt', JSON_BODY, '{"a":1}'],
  ['two parameters', 'POST /v1/runs/run_0/end/now', JSON_BODY, '{"a":1}'],
  ['a query behind an id', 'POST /v1/runs/run_0/end?x=1', JSON_BODY, '{"a":1}'],
  ['another type', 'POST /v1/actions', { ...JSON_BODY, 'content-type': 'text/plain' }, '{"a":1}'],
  ['no type', 'POST /v1/actions', { 'content-length': '7' }, '{"a":1}'],
  ['no body', 'POST /v1/actions', { ...JSON_BODY, 'content-length': '0' }, ''],
  ['no length', 'POST /v1/actions', { 'content-type': 'application/json' }, ''],
  [
    'an unknown length',
    'POST /v1/actions',
    { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    '7\r\n{"a":1}\r\n0\r\n\r\n',
  ],
  [
    'a body over the limit',
    'POST /v1/actions',
    { ...JSON_BODY, 'content-length': String(LIMITS.httpBodyBytes + 1) },
    '',
  ],
];
it.each(UNUSUAL)('leaves a request to the framework that has %s', async (_why, line, headers, body) => {
  expect(await answerTo(message(line, headers, body))).toMatch(/\r\nx-way: framework\r\n/);
  expect(seen).toEqual([]);
});

it('calls no handler for a client that disconnects within its body', async () => {
  const taken = once(server, 'request');
  const socket = await open();
  socket.write(message('POST /v1/actions', { ...JSON_BODY, 'content-length': '100' }, '{"a":1'));
  const [request] = (await taken) as [NodeJS.EventEmitter];
  const closed = new Promise((resolve) => request.once('close', resolve));
  socket.destroy();
  await closed;
  expect(seen).toEqual([]);
});

it('closes the connection if no response could be made, and serves the next', async () => {
  expect(await answerTo(message('POST /v1/actions:batch', JSON_BODY, '{"a":1}'))).toBe('');
  expect(await answerTo(message('POST /v1/actions', JSON_BODY, '{"a":1}'))).toMatch(/ 201 Created\r\n/);
});
