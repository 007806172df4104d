import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { RequestContext } from '../http/request-context';
import type { LogClient } from '../log-client/log-client';
import type { Admission } from '../auth/admission';
import type { CommitNotifier } from './commit-notifier';
import { EventStreams } from './event-streams';

const LOG = 'default/0';
const EVENTS = 1_000_000;
/** 64 KB each, to fill the buffer of an unread socket soon */
const TEXT = 'x'.repeat(64 * 1024);

/** A ledger with more events than any socket buffers; counts those that were read. */
class Ledger {
  read = 0;
  ledger(_op: string, { after, limit }: { after: number; limit: number }): Promise<unknown> {
    const items = Array.from({ length: Math.min(limit, EVENTS - after - 1) }, (_, i) => ({
      log: LOG,
      position: after + 1 + i,
      type: 'RunOpened',
      data: { text: TEXT },
    }));
    this.read += items.length;
    return Promise.resolve({ items, asOf: { [LOG]: EVENTS - 1 } });
  }
}

describe('EventStreams', () => {
  let app: FastifyInstance;
  let ledger: Ledger;
  let replies: FastifyReply['raw'][];
  let streams: Promise<void>[];
  /** whether the credentials of the streams are valid */
  let valid: boolean;
  /** how long a client may read nothing, ms */
  let stallMs: number;
  beforeEach(async () => {
    ledger = new Ledger();
    replies = [];
    streams = [];
    valid = true;
    stallMs = 300;
    app = Fastify();
    const listener = { notify: () => undefined, stop: () => undefined, wait: () => new Promise(setImmediate) };
    const commits = { listen: () => listener } as unknown as CommitNotifier;
    const admission = {
      isStillValid: (_: unknown, { url, headers }: Partial<FastifyRequest>) =>
        Promise.resolve(valid && url === '/' && headers?.host === 'x'),
    } as unknown as Admission;
    const service = new EventStreams(ledger as unknown as LogClient, commits, admission);
    app.get('/', (request, reply) => {
      const context = { caller: { tenant: 'default' }, request } as unknown as RequestContext;
      replies.push(reply.raw);
      const stream = service.stream(context, { tenant: 'default' }, reply, stallMs, 0);
      streams.push(stream);
      return stream;
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterEach(() => app.close());

  const client = (lastEventId?: string, more = ''): Socket => {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    const resume = lastEventId === undefined ? '' : `last-event-id: ${lastEventId}\r\n`;
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\n${resume}${more}\r\n`);
    return socket;
  };
  /** The ids of the complete events, after the stream has ended or `enough` have arrived. */
  const idsOf = async (socket: Socket, enough = Infinity): Promise<string[]> => {
    let text = '';
    let whole: string[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString('latin1');
      const ended = text.lastIndexOf('\n\n');
      if (ended < 0) continue;
      whole = whole.concat([...text.slice(0, ended).matchAll(/^id: (.*)$/gm)].map((found) => found[1] as string));
      text = text.slice(ended);
      if (whole.length >= enough) break;
    }
    return whole;
  };

  it('ends with the credentials that opened it', async () => {
    valid = false;
    // otherwise the connection outlives the response, by the server's time-out for idle ones
    const socket = client(`${LOG}:${EVENTS - 3}`, 'connection: close\r\n');
    expect(await idsOf(socket)).toEqual([`${LOG}:${EVENTS - 2}`, `${LOG}:${EVENTS - 1}`]);
    await streams[0];
  });

  it('continues while the credentials that opened it are valid', async () => {
    stallMs = 30_000; // a busy machine may leave this process without time for long
    const socket = client();
    expect(await idsOf(socket, 500)).toHaveLength(500);
    socket.destroy();
  });

  it('disconnects a client that reads nothing, holds little for it, and lets it resume without gaps or duplicates', async () => {
    const slow = client();
    await once(slow, 'readable'); // the response has started; nothing more is read
    await streams[0];
    expect(replies[0]?.destroyed).toBe(true);
    expect(replies[0]?.writableLength).toBeLessThan(256 * 1024);
    expect(ledger.read).toBeLessThan(2_000);

    const first = await idsOf(slow).catch(() => []);
    expect(first.length).toBeGreaterThan(0);
    const next = client(first.at(-1));
    const second = await idsOf(next, 50);
    next.destroy();
    const positions = [...first, ...second].map((id) => Number(id.split(':')[1]));
    expect(positions).toEqual(positions.map((_, i) => i));
  }, 20_000);

  it('leaves no listeners on the socket of a slow client', async () => {
    const warned = jest.spyOn(process, 'emitWarning');
    const reader = client();
    await idsOf(reader, 1_000);
    reader.destroy();
    expect(replies[0]?.listenerCount('close')).toBeLessThan(10);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  }, 20_000);
});
