import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Networks } from '../networks';
import { AddressRefused, NotSent, Outbound, type Resolve } from './outbound';

describe('Outbound', () => {
  let server: Server;
  let port: number;
  const reached: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      reached.push(`${request.headers.host ?? ''} ${request.headers.authorization ?? ''}`);
      if (request.url === '/moved') return response.writeHead(307, { location: 'http://127.0.0.1/elsewhere' }).end();
      return response.end('here');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());
  beforeEach(() => void (reached.length = 0));

  /** Answers with the addresses in turn, as a name server does that rebinds a name. */
  const resolving = (...answers: string[][]): Resolve => {
    let asked = 0;
    return (_host, done) =>
      done(
        null,
        (answers[Math.min(asked++, answers.length - 1)] ?? []).map((address) => ({ address, family: 4 })),
      );
  };
  const send = (outbound: Outbound, url: string) =>
    outbound.send(url, {
      method: 'GET',
      headers: { authorization: 'secret' },
      signal: new AbortController().signal,
    });

  it.each(['127.0.0.1', '[::1]', '0x7f000001', '017700000001', '[::ffff:127.0.0.1]', 'localhost'])(
    'makes no connection to this machine at %s unless its network is allowed',
    async (host) => {
      await expect(send(new Outbound(new Networks([])), `http://${host}:${port}/`)).rejects.toThrow(AddressRefused);
      expect(reached).toEqual([]);
    },
  );

  it('makes no connection to a name that resolves to a private address, also if only one of several is', async () => {
    for (const addresses of [['127.0.0.1'], ['169.254.169.254'], ['93.184.216.34', '127.0.0.1'], []]) {
      const outbound = new Outbound(new Networks([]), { resolve: resolving(addresses) });
      await expect(send(outbound, `http://upstream.example:${port}/`)).rejects.toThrow(AddressRefused);
    }
    expect(reached).toEqual([]);
  });

  it('connects to the very address that it has checked: a name that is rebound by then leads nowhere else', async () => {
    // 127.0.0.2 is not allowed, and the second answer
    const outbound = new Outbound(new Networks(['127.0.0.1']), { resolve: resolving(['127.0.0.1'], ['127.0.0.2']) });
    const { status, body } = await send(outbound, `http://upstream.example:${port}/`);
    body.resume();
    expect([status, reached]).toEqual([200, [`upstream.example:${port} secret`]]);
    outbound.close(); // no connection to use again: the name is resolved again
    await expect(send(outbound, `http://upstream.example:${port}/`)).rejects.toThrow(AddressRefused);
    expect(reached).toHaveLength(1);
  });

  it('follows no redirect, with or without credentials', async () => {
    const outbound = new Outbound(new Networks(['127.0.0.1']));
    const { status, headers, body } = await send(outbound, `http://127.0.0.1:${port}/moved`);
    body.resume();
    expect([status, headers.location, reached.length]).toEqual([307, 'http://127.0.0.1/elsewhere', 1]);
    outbound.close();
  });

  it('fails at once if the server switches protocols, rather than never, without an error or a response', async () => {
    const switching = createTcpServer((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      ),
    );
    await new Promise<void>((resolve) => switching.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(switching.address() as AddressInfo).port}/`;
    await expect(send(new Outbound(new Networks(['127.0.0.1'])), url)).rejects.toThrow('ended before a response');
    switching.close();
  });

  it('reports a request that no connection was made for as not sent, without its address', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port: free } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const failure = await send(new Outbound(new Networks(['127.0.0.1'])), `http://127.0.0.1:${free}/?key=secret`).catch(
      (error: unknown) => error as Error,
    );
    expect(failure).toBeInstanceOf(NotSent);
    expect((failure as Error).message).toContain('ECONNREFUSED');
    expect((failure as Error).message).not.toContain('secret');
  });
});
