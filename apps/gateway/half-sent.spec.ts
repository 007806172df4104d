import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';
import { LIMITS } from '#kernel/limits';
import { directly } from './direct';
import { Places } from './places';
import { route, type Services } from './route';
import { answer, refusedAtHead, serve, type ServerOptions } from './server';
import { routeTable } from './table';

const KEY = 'bwk_enforcer_0123456789';
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
  const refused: string[] = [];
  const services = {
    config: { publicUrl: 'http://x' },
    keys: { find: (key: string) => (key === KEY ? { tenant: 'default', role: 'enforcer' } : undefined) },
    tokens: {},
    refusals: { report: (_caller: unknown, what: string) => refused.push(what) },
  } as unknown as Services;
  beforeAll(async () => {
    const options: ServerOptions = {
      routes: ROUTES,
      services,
      places: new Places(10, 10, 'requests'),
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
    const waiting = await Promise.all(Array.from({ length: 300 }, () => send('/direct', KEY, 200_000, half)));
    expect(await statusOf(await send('/direct', KEY, 7, '{"n":1}'))).toBe(200);
    for (const socket of waiting) socket.destroy();
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
