import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LIMITS } from '@bailiwick/core/limits';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
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
  const arrivals: unknown[] = [];
  const verifier = { arrival: () => ({ fetches: arrivals.length }) };
  const transmitter = { config: config!, verifier: verifier as never } satisfies Transmitter;
  const receive = (_transmitter: unknown, text: string, arrival: unknown) => {
    arrivals.push(arrival);
    if (text === 'fine') return Promise.resolve('suspended' as const);
    return Promise.reject(
      text === 'forged' ? new SetRefused('invalid_key', 'no') : new Refused('NOT_READY', 'no owner responds'),
    );
  };
  const warnings: unknown[] = [];
  const logger = { warn: (line: unknown) => void warnings.push(line) };
  const tenants = new ConcurrencyLimiter(1, 1, 'requests');
  const made = new SignalPoller({ all: [] } as never, { receive } as never, tenants, logger as never);
  return {
    warnings,
    tenants,
    arrivals,
    poll: (report: Parameters<SignalPoller['poll']>[1]) => made.poll(transmitter, report),
  };
}
const NOTHING = { ack: [], setErrs: {}, failed: 0 };
const ASKED = { maxEvents: 20, returnImmediately: true };

describe('SignalPoller', () => {
  it('acknowledges what was committed, reports what is refused for good, and leaves the rest', async () => {
    const { poll, arrivals } = poller();
    const sets = { 'jti-1': 'fine', 'jti-2': 'forged', 'jti-3': 'no owner' };
    responses.push({ body: { sets, moreAvailable: true } });
    const [report, wait] = await poll(NOTHING);
    const reported = { ack: ['jti-1'], setErrs: { 'jti-2': { err: 'invalid_key', description: 'no' } } };
    expect(report).toEqual({ ...reported, failed: 0 });
    expect(wait).toBe(7_000); // at once, the token that is left would be fetched over and over
    expect(arrivals).toEqual(Array(3).fill({ fetches: 0 })); // all came with the one answer
    await poll(report);
    expect(requests).toEqual([
      { authorization: 'Bearer poll-secret', body: { ack: [], setErrs: {}, ...ASKED } },
      { authorization: 'Bearer poll-secret', body: { ...reported, ...ASKED } },
    ]);
  });

  it('polls soon while more is available, and not if none came', async () => {
    const { poll } = poller();
    responses.push({ body: { sets: { 'jti-1': 'fine' }, moreAvailable: true } });
    expect((await poll(NOTHING))[1]).toBe(LIMITS.signals.pollPauseMs);
    responses.push({ body: { sets: {}, moreAvailable: true } });
    expect((await poll(NOTHING))[1]).toBe(7_000);
  });

  it('takes in no more than it asked for, and leaves the rest to be delivered again', async () => {
    const sets = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`jti-${i}`, 'fine']));
    responses.push({ body: { sets } });
    const [report, wait] = await poller().poll(NOTHING);
    expect(report.ack).toEqual(Array.from({ length: 20 }, (_, i) => `jti-${i}`));
    expect(wait).toBe(LIMITS.signals.pollPauseMs);
  });

  it('leaves tokens while the tenant has no free slot, and frees its own', async () => {
    const { poll, tenants } = poller();
    const sets = { 'jti-1': 'fine', 'jti-2': 'forged', 'jti-3': 'fine' };
    const release = tenants.take('default');
    responses.push({ body: { sets } }, { body: { sets } });
    expect(await poll(NOTHING)).toEqual([NOTHING, 7_000]);
    release();
    const [{ ack, setErrs }] = await poll(NOTHING);
    expect([ack, Object.keys(setErrs)]).toEqual([['jti-1', 'jti-3'], ['jti-2']]);
    tenants.take('default');
  });

  it.each<[string, { status?: number; body: unknown }]>([
    ['an error', { status: 500, body: {} }],
    ['another document', { body: { sets: ['fine'] } }],
    ['too much', { body: { sets: { 'jti-1': 'x'.repeat(1_100_000) } } }],
  ])('keeps its report after %s, and warns without the secret', async (_what, response) => {
    const { poll, warnings } = poller();
    responses.push(response);
    const report = { ack: ['jti-1'], setErrs: {}, failed: 0 };
    expect(await poll(report)).toEqual([{ ...report, failed: 1 }, 30_000]);
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('poll-secret');
  });

  it('only acknowledges after a failure, and drops the report after several', async () => {
    const { poll } = poller();
    const setErrs = { 'jti-2': { err: 'invalid_key', description: 'no' } };
    let report = { ack: ['jti-1'], setErrs, failed: 0 } as Parameters<typeof poll>[0];
    for (let i = 0; i < LIMITS.signals.pollReports; i++) {
      responses.push({ status: 400, body: {} });
      [report] = await poll(report);
    }
    expect(report).toEqual(NOTHING);
    const bodies = requests.map(({ body }) => body);
    expect(bodies).toEqual([
      { ack: ['jti-1'], setErrs, ...ASKED },
      { ack: ['jti-1'], setErrs: {}, ...ASKED, maxEvents: 0 },
      { ack: ['jti-1'], setErrs: {}, ...ASKED, maxEvents: 0 },
    ]);
  });

  it('polls again soon once it has acknowledged alone', async () => {
    responses.push({ body: { sets: {} } });
    expect(await poller().poll({ ack: ['jti-1'], setErrs: {}, failed: 1 })).toEqual([
      NOTHING,
      LIMITS.signals.pollPauseMs,
    ]);
    expect(requests).toMatchObject([{ body: { ack: ['jti-1'], maxEvents: 0 } }]);
  });
});
