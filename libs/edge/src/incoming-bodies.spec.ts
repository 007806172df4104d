import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { IncomingBodies } from './incoming-bodies';

const SENDER = { tenant: 'acme', actor: { id: 'grt_1' } };
const BYTES = 1_000;

describe('IncomingBodies', () => {
  let server: Server;
  const bodies = new IncomingBodies({ bytes: BYTES, bytesPerTenant: BYTES, bytesPerSender: BYTES, ms: 60_000 });
  beforeAll(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    bodies.stop();
    server.closeAllConnections();
    server.close();
  });

  /** Sends the head of a request whose body would use all the memory. */
  async function startRequest(): Promise<{ request: IncomingMessage; leave: () => Promise<unknown> }> {
    const arrived = once(server, 'request') as Promise<[IncomingMessage]>;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${BYTES}\r\n\r\n`);
    const [request] = await arrived;
    request.on('error', () => undefined); // it is cut off
    const leave = (): Promise<unknown> => {
      const closed = new Promise((resolve) => request.socket.once('close', resolve));
      socket.destroy();
      return closed;
    };
    return { request, leave };
  }

  it('reserve nothing for a client that has left while its sender was identified', async () => {
    const gone = await startRequest();
    await gone.leave();
    bodies.expect(SENDER, gone.request);
    const next = await startRequest();
    expect(() => bodies.expect(SENDER, next.request)).not.toThrow();
    const third = await startRequest();
    expect(() => bodies.expect(SENDER, third.request)).toThrow('too many bytes');
    await Promise.all([next.leave(), third.leave()]);
  });

  it('release what a client holds when it leaves', async () => {
    const first = await startRequest();
    bodies.expect(SENDER, first.request);
    const closed = new Promise((resolve) => first.request.once('close', resolve));
    await first.leave();
    await closed;
    const next = await startRequest();
    expect(() => bodies.expect(SENDER, next.request)).not.toThrow();
    await next.leave();
  });
});
