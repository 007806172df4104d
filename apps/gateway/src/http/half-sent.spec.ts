import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { Arriving } from './incoming-bodies';
import { directly } from '../fast-path/direct';
import { Places } from './concurrency-limiter';
import { route, type Services } from './route';
import { answer, refusedAtHead, serve, type ServerOptions } from './server';
import { routeTable } from './table';

const KEY = 'bwk_enforcer_0123456789';
const OTHER = 'bwk_enforcer_of_another';
const ok = (path: string) =>
  route({
    method: 'POST',
    path,
    summary: '',
    roles: ['enforcer'],
    body: z.object({ n: z.number() }),
    handle: ({ body }) => Promise.resolve({ body: { n: body.n } }),
  });
const text = {
  ...ok('/text'),
  body: undefined,
  roles: 'public' as const,
  takesText: 64 * 1024,
  handle: () => Promise.resolve({ body: {} }),
};
const ROUTES = [ok('/direct'), text];

describe('a body that is sent by halves, or by nobody who is known', () => {
  let server: Server;
  let port: number;
  const arriving = new Arriving({ bytes: 8e6, bytesPerTenant: 6e6, bytesPerSender: 2e6, ms: 1_500 });
  const refused: string[] = [];
  const services = {
    config: { publicUrl: 'http://x' },
    keys: {
      find: (key: string) =>
        key === KEY || key === OTHER ? { tenant: key === KEY ? 'default' : 'other', role: 'enforcer' } : undefined,
    },
    tokens: {},
    refusals: { report: (_caller: unknown, what: string) => refused.push(what) },
  } as unknown as Services;
  beforeAll(async () => {
    const options: ServerOptions = {
      routes: ROUTES,
      services,
      places: new Places(10, 10, 'requests'),
      arriving,
      failed: () => undefined,
    };
    const app = fastify({
      bodyLimit: LIMITS.httpBodyBytes,
      serverFactory: (framework) =>
        (server = createServer(
          directly(
            ROUTES,
            (at, request) => answer(at, options, request),
            framework,
            (at, request) => refusedAtHead(at, options, request),
          ),
        )),
    });
    serve(app, options);
    await app.listen({ port: 0, host: '127.0.0.1' });
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    arriving.stop();
    server.closeAllConnections();
    server.close();
  });

  async function send(
    path: string,
    key: string | undefined,
    length: number,
    body: string,
    type = 'application/json',
  ): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const auth = key === undefined ? '' : `authorization: Bearer ${key}\r\n`;
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\n${auth}content-type: ${type}\r\ncontent-length: ${length}\r\n\r\n${body}`,
    );
    return socket;
  }
  const statusOf = async (socket: Socket): Promise<number> => {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1]);
  };
  const half = '{"n":';

  it.each([
    ['the fast path', '/direct'],
    ['the framework', '/direct?'],
  ])('it is refused by its head on %s, before it is all there', async (_what, path) => {
    for (const key of [undefined, 'bwk_enforcer_wrong_key'])
      expect(await statusOf(await send(path, key, 200_000, half))).toBe(401);
  });

  it.each(['/direct', '/direct?'])('it is waited for on %s where its sender is known', async (path) => {
    const socket = await send(path, KEY, 7, half);
    await new Promise((resolve) => setImmediate(resolve));
    socket.write('1}');
    expect(await statusOf(socket)).toBe(200);
  });

  it('it keeps no other from being answered, however many there are', async () => {
    const waiting = await Promise.all(Array.from({ length: 300 }, () => send('/direct', KEY, 6_000, half)));
    expect(await statusOf(await send('/direct', KEY, 7, '{"n":1}'))).toBe(200);
    for (const socket of waiting) socket.destroy();
  });

  it.each(['/direct', '/direct?'])(
    'it is refused on %s beyond the bytes of its sender, who is heard again once the others are gone',
    async (path) => {
      const waiting = await Promise.all(Array.from({ length: 10 }, () => send(path, KEY, 200_000, half)));
      const chunked = connect(port, '127.0.0.1');
      await once(chunked, 'connect');
      const auth = `authorization: Bearer ${KEY}\r\ncontent-type: application/json`;
      chunked.write(`POST /direct HTTP/1.1\r\nhost: x\r\n${auth}\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`);
      expect(await statusOf(chunked)).toBe(429);
      expect(await statusOf(await send(path, KEY, 200_000, half))).toBe(429);
      expect(await statusOf(await send(path, KEY, 7, '{"n":1}'))).toBe(429);
      expect(await statusOf(await send(path, OTHER, 7, '{"n":1}'))).toBe(200);
      const closed = waiting.map((socket) => once(socket, 'close'));
      for (const socket of waiting) socket.destroy();
      await Promise.all(closed);
      while ((await statusOf(await send(path, KEY, 7, '{"n":1}'))) === 429) continue;
    },
  );

  it.each(['/direct', '/direct?'])('it is answered 408 on %s when it is not all there in time', async (path) => {
    const slow = await Promise.all([1, 2].map(() => send(path, KEY, 200_000, half)));
    const ended = slow.map((socket) => once(socket, 'close'));
    const drip = setInterval(() => slow.forEach((socket) => socket.writable && socket.write(' ')), 50);
    expect(await Promise.all(slow.map(statusOf))).toEqual([408, 408]);
    clearInterval(drip);
    await Promise.all(ended);
    expect(await statusOf(await send(path, KEY, 7, '{"n":1}'))).toBe(200);
  });

  it('it is refused beyond the bound of its route on whichever path it comes', async () => {
    const long = 'x'.repeat(64 * 1024 + 1);
    for (const type of ['application/json', 'text/plain'])
      for (const path of ['/text', '/text?'])
        expect([type, path, await statusOf(await send(path, undefined, long.length, long, type))]).toEqual([
          type,
          path,
          413,
        ]);
  });

  it('and no route of the table that takes a text is answered past the framework', () => {
    const all = routeTable(() => Promise.reject(new Error('not here'))).filter(
      ({ takesText }) => takesText !== undefined,
    );
    expect(all.length).toBeGreaterThan(0);
    for (const each of all) {
      let way = '';
      const listener = directly(
        [each],
        () => Promise.resolve(undefined),
        () => void (way = 'framework'),
      );
      const headers = { 'content-type': 'application/json', 'content-length': '10' };
      listener({ method: 'POST', url: each.path, headers, on: () => undefined } as never, {} as never);
      expect([each.path, way]).toEqual([each.path, 'framework']);
    }
  });
});
