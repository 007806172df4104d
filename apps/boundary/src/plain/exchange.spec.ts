import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NotReached, UpstreamGone } from '../upstream/connection';
import { closeConnections, send } from './exchange';

describe('a request to an upstream', () => {
  let server: Server;
  let url: URL;
  let received = 0;
  beforeAll(async () => {
    server = createServer((request, response) => {
      received += 1;
      if (request.url === '/silent') return;
      response.end('text');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(() => {
    closeConnections();
    server.closeAllConnections();
    server.close();
  });
  const sent = (signal: AbortSignal, path = ''): Promise<IncomingMessage> =>
    send({ tenant: 't', method: 'GET', url: new URL(path, url), headers: {}, signal });
  const textOf = async (answer: IncomingMessage): Promise<string> => {
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return text;
  };

  it.each<[string, (answer: IncomingMessage, abort: () => void) => void]>([
    ['while its answer arrives', (answer, abort) => answer.once('data', abort)],
    ['when its answer ends', (answer, abort) => answer.once('end', abort)],
    ['just after its answer has ended', (answer, abort) => answer.once('end', () => process.nextTick(abort))],
    ['when its answer is closed', (answer, abort) => answer.once('close', abort)],
    ['after its answer was destroyed', (answer, abort) => (answer.destroy(), setImmediate(abort))],
  ])('that is aborted %s harms neither the process nor the next request', async (_when, arrange) => {
    for (let i = 0; i < 20; i++) {
      const client = new AbortController();
      const answer = await sent(client.signal);
      const isClosed = once(answer, 'close');
      arrange(answer, () => client.abort());
      answer.on('error', () => undefined).resume();
      await isClosed;
      expect(await textOf(await sent(new AbortController().signal))).toBe('text');
    }
  });

  it('uses a connection again for its tenant, and that of no other', async () => {
    const ports: (number | undefined)[] = [];
    const note = ({ socket }: IncomingMessage): void => void ports.push(socket.remotePort);
    server.on('request', note);
    const { signal } = new AbortController();
    for (const tenant of ['one', 'one', 'two', 'one']) {
      await textOf(await send({ tenant, method: 'GET', url, headers: {}, signal }));
      await new Promise((again) => setImmediate(again)); // its connection is kept from the next turn on
    }
    server.off('request', note);
    const [first, again, other, last] = ports;
    expect([again, last]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  it('fails as one that may have arrived if it is aborted without an answer', async () => {
    const client = new AbortController();
    const before = received;
    const answer = sent(client.signal, 'silent');
    while (received === before) await new Promise((again) => setImmediate(again));
    client.abort();
    const error = await answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UpstreamGone);
    expect(error).not.toBeInstanceOf(NotReached);
  });

  it('fails as not sent if it is aborted before, or if there is no connection', async () => {
    await expect(sent(AbortSignal.abort())).rejects.toThrow(NotReached);
    const none = send({
      tenant: 't',
      method: 'GET',
      url: new URL('http://127.0.0.1:1/'),
      headers: {},
      signal: new AbortController().signal,
    });
    await expect(none).rejects.toThrow(NotReached);
  });
});
