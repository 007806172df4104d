import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { LIMITS } from '@bailiwick/core/limits';
import { endpointFinder } from '../../fast-path/plain-requests';
import { busThat } from '../../testing/bus';
import { endpointsOfGateway, keyOf, startGateway, type Gateway } from '../../testing/gateway';
import { RUN_ID } from '../../testing/tokens';
import { IncomingBodies } from '@bailiwick/edge/incoming-bodies';

const KEY = keyOf('orchestrator');
const OTHER = keyOf('orchestrator', 'other');
/** an endpoint whose body is an empty object; with a query, the framework answers it */
const FAST = `/v1/runs/${RUN_ID}/completion`;
const FRAMEWORK = `${FAST}?`;
const BODY = '{     }';

describe('IncomingBodies', () => {
  let gateway: Gateway;
  let port: number;
  const bodies = new IncomingBodies({ bytes: 8e6, bytesPerTenant: 6e6, bytesPerSender: 2e6, ms: 1_500 });
  beforeAll(async () => {
    const { bus } = busThat((_subject, { commands = [] }: { commands?: unknown[] }) => ({
      value: { answers: commands.map(() => ({ ok: true, value: {} })) },
    }));
    gateway = await startGateway({ bus, bodies });
    ({ port } = gateway);
  });
  afterAll(async () => {
    bodies.stop();
    await gateway.close();
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
  const half = '{    ';

  it.each([
    ['the fast path', FAST],
    ['the framework', FRAMEWORK],
  ])('refuses an unknown sender on %s before the body is complete', async (_what, path) => {
    for (const key of [undefined, 'bwk_enforcer_wrong_key'])
      expect(await statusOf(await send(path, key, 200_000, half))).toBe(401);
  });

  it.each([FAST, FRAMEWORK])('waits on %s for the rest of a body from a known sender', async (path) => {
    const socket = await send(path, KEY, 7, half);
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(' }');
    expect(await statusOf(socket)).toBe(200);
  });

  it('serves complete requests however many incomplete ones are pending', async () => {
    const waiting = await Promise.all(Array.from({ length: 300 }, () => send(FAST, KEY, 6_000, half)));
    expect(await statusOf(await send(FAST, KEY, 7, BODY))).toBe(200);
    for (const socket of waiting) socket.destroy();
  });

  it.each([FAST, FRAMEWORK])(
    'refuses a body on %s beyond the bytes of its sender, until the pending ones are gone',
    async (path) => {
      const waiting = await Promise.all(Array.from({ length: 10 }, () => send(path, KEY, 200_000, half)));
      const chunked = connect(port, '127.0.0.1');
      await once(chunked, 'connect');
      const auth = `authorization: Bearer ${KEY}\r\ncontent-type: application/json`;
      chunked.write(`POST ${FAST} HTTP/1.1\r\nhost: x\r\n${auth}\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`);
      expect(await statusOf(chunked)).toBe(429);
      expect(await statusOf(await send(path, KEY, 200_000, half))).toBe(429);
      expect(await statusOf(await send(path, KEY, 7, BODY))).toBe(429);
      expect(await statusOf(await send(path, OTHER, 7, BODY))).toBe(200);
      const closed = waiting.map((socket) => once(socket, 'close'));
      for (const socket of waiting) socket.destroy();
      await Promise.all(closed);
      while ((await statusOf(await send(path, KEY, 7, BODY))) === 429) continue;
    },
  );

  it.each([FAST, FRAMEWORK])('answers 408 on %s if a body is not complete in time', async (path) => {
    const slow = await Promise.all([1, 2].map(() => send(path, KEY, 200_000, half)));
    const ended = slow.map((socket) => once(socket, 'close'));
    const drip = setInterval(() => slow.forEach((socket) => socket.writable && socket.write(' ')), 50);
    expect(await Promise.all(slow.map(statusOf))).toEqual([408, 408]);
    clearInterval(drip);
    await Promise.all(ended);
    expect(await statusOf(await send(path, KEY, 7, BODY))).toBe(200);
  });

  it('refuses a text over the limit of its endpoint', async () => {
    const long = 'x'.repeat(LIMITS.submissionBytes + 1);
    for (const type of ['application/json', 'text/plain'])
      for (const path of ['/witness/add-checkpoint', '/witness/add-checkpoint?'])
        expect([type, path, await statusOf(await send(path, undefined, long.length, long, type))]).toEqual([
          type,
          path,
          413,
        ]);
  });

  it('leaves every endpoint that takes text to the framework', async () => {
    const endpoints = await endpointsOfGateway();
    const texts = endpoints.filter(({ takesText }) => takesText !== undefined);
    expect(texts.length).toBeGreaterThan(0);
    const find = endpointFinder(endpoints);
    for (const { path } of texts) expect([path, find(path)]).toEqual([path, undefined]);
  });
});
