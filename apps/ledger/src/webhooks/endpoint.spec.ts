import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Networks } from '@bailiwick/platform/networks';
import { Outbound } from '@bailiwick/platform/outbound/outbound';
import { attemptDelivery } from './endpoint';
import { messageOf } from './message';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const MESSAGE = messageOf({
  log: 'acme/0',
  position: 3,
  type: 'RunOpened',
  time: '2026-01-02T00:00:00Z',
  body: '{"log":"acme/0","position":3}',
});

describe('attemptDelivery', () => {
  let server: Server;
  let at: string;
  let outbound: Outbound;
  let stop: AbortController;
  const received: { path: string; headers: IncomingMessage['headers']; body: string }[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const path = request.url ?? '';
        received.push({ path, headers: request.headers, body });
        if (path === '/endless') return void response.writeHead(200).write('x');
        response.writeHead(Number(path.slice(1, 4)), { location: `${at}/200`, 'retry-after': '7' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    received.length = 0;
    stop = new AbortController();
    outbound = new Outbound(new Networks(['127.0.0.1']), { setting: 'BAILIWICK_WEBHOOK_NETWORKS' });
  });
  afterEach(() => outbound.close());

  const attempt = (path: string, allowed = ['127.0.0.1']) =>
    attemptDelivery(
      outbound,
      new Networks(allowed),
      path.startsWith('/') ? `${at}${path}` : path,
      [SECRET],
      MESSAGE,
      stop.signal,
    );

  it('posts the event as it is stored, with its id and signature, and reports the acceptance', async () => {
    expect(await attempt('/204')).toEqual({ delivered: true, status: 204 });
    expect(received[0]?.headers).toMatchObject({
      'webhook-id': 'acme/0:3',
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    });
    expect(received[0]?.body).toBe(
      '{"type":"RunOpened","timestamp":"2026-01-02T00:00:00Z","data":{"log":"acme/0","position":3}}',
    );
  });

  it('follows no redirect, which could lead to an address that no administrator named', async () => {
    expect(await attempt('/307')).toMatchObject({ delivered: false, status: 307 });
    expect(received.map(({ path }) => path)).toEqual(['/307']);
  });

  it('reports what the endpoint asks for: a pause, or no further message', async () => {
    expect(await attempt('/503')).toMatchObject({ delivered: false, status: 503, retryAfterMs: 7_000 });
    expect(await attempt('/410')).toMatchObject({ delivered: false, isGone: true });
  });

  it('does not read the body of a response, which may have no end', async () => {
    expect(await attempt('/endless')).toEqual({ delivered: true, status: 200 });
  });

  it('sends nothing that is not wanted any more', async () => {
    stop.abort();
    expect(await attempt('/204')).toMatchObject({ delivered: false });
    expect(received).toEqual([]);
  });

  it('connects to no address outside of the public network that the operator has not allowed', async () => {
    outbound.close();
    outbound = new Outbound(new Networks([]), { setting: 'BAILIWICK_WEBHOOK_NETWORKS' });
    const https = at.replace('http:', 'https:');
    expect(await attempt(https, [])).toMatchObject({
      delivered: false,
      error: expect.stringContaining('WEBHOOK_NETWORKS'),
    });
    expect(await attempt(https.replace('127.0.0.1', 'localhost'), [])).toMatchObject({ delivered: false });
    expect(received).toEqual([]);
  });

  it('sends nothing unencrypted but to an address that the operator has allowed', async () => {
    const toName = await attempt('http://siem.example.com/');
    expect(toName).toMatchObject({ delivered: false, error: expect.stringContaining('not https') });
    expect(await attempt('/200', [])).toMatchObject({ delivered: false });
    expect(received).toEqual([]);
  });
});
