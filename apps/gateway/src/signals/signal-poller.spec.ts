import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Refused } from '../http/problems/problem';
import { SignalPoller } from './signal-poller';
import type { Transmitter } from './signal-receiver';
import { SetRefused } from './set-verifier';
import { configOf } from '../testing/signals';
import { checkedTransmitters } from './transmitter-config';

let server: Server;
let responses: { status?: number; body: unknown }[];
let requests: { authorization: string | undefined; body: unknown }[];
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { authorization } = request.headers;
      requests.push({ authorization, body: JSON.parse(Buffer.concat(chunks).toString()) });
      const { status = 200, body } = responses.shift() ?? { body: { sets: {} } };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => ([responses, requests] = [[], []]));

/** A poller whose receiver does with each token what its text names. */
function poller() {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/poll`;
  const poll = { endpoint, authorization: 'Bearer poll-secret', every: 7 };
  const [config] = checkedTransmitters(
    { transmitters: [configOf('https://idp.example.com', { poll })] },
    'https://bailiwick.example',
  );
  const transmitter = { config: config!, verifier: {} as never } satisfies Transmitter;
  const receive = (_transmitter: unknown, text: string) =>
    text === 'fine'
      ? Promise.resolve('suspended' as const)
      : Promise.reject(
          text === 'forged' ? new SetRefused('invalid_key', 'no') : new Refused('NOT_READY', 'no owner responds'),
        );
  const warnings: unknown[] = [];
  const logger = { warn: (line: unknown) => void warnings.push(line) };
  const made = new SignalPoller({ all: [] } as never, { receive } as never, logger as never);
  return { warnings, poll: (report: Parameters<SignalPoller['poll']>[1]) => made.poll(transmitter, report) };
}
const NOTHING = { ack: [], setErrs: {} };

describe('SignalPoller', () => {
  it('acknowledges what was committed, reports what is refused for good, and leaves the rest', async () => {
    const { poll } = poller();
    const sets = { 'jti-1': 'fine', 'jti-2': 'forged', 'jti-3': 'no owner' };
    responses.push({ body: { sets, moreAvailable: true } });
    const [report, wait] = await poll(NOTHING);
    expect(report).toEqual({ ack: ['jti-1'], setErrs: { 'jti-2': { err: 'invalid_key', description: 'no' } } });
    expect(wait).toBe(7_000); // at once, the token that is left would be fetched over and over
    await poll(report);
    expect(requests).toEqual([
      { authorization: 'Bearer poll-secret', body: { ...NOTHING, maxEvents: 20, returnImmediately: true } },
      { authorization: 'Bearer poll-secret', body: { ...report, maxEvents: 20, returnImmediately: true } },
    ]);
  });

  it('polls at once while more is available', async () => {
    responses.push({ body: { sets: { 'jti-1': 'fine' }, moreAvailable: true } });
    expect((await poller().poll(NOTHING))[1]).toBe(0);
  });

  it.each<[string, { status?: number; body: unknown }]>([
    ['an error', { status: 500, body: {} }],
    ['another document', { body: { sets: ['fine'] } }],
    ['too much', { body: { sets: { 'jti-1': 'x'.repeat(1_100_000) } } }],
  ])('keeps its report after %s, and warns without the secret', async (_what, response) => {
    const { poll, warnings } = poller();
    responses.push(response);
    const report = { ack: ['jti-1'], setErrs: {} };
    expect(await poll(report)).toEqual([report, 30_000]);
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('poll-secret');
  });
});
