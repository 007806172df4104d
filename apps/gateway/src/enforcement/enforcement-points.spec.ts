import type { PointReport } from '@bailiwick/contracts/enforcement/report';
import { LIMITS } from '@bailiwick/core/limits';
import { PointIdentity } from '@bailiwick/edge/point-reports';
import type { Bus, BusEvent } from '@bailiwick/messaging/connect';
import { EPOCH_ASKED } from '@bailiwick/messaging/subjects';
import { Refused } from '../http/problems/problem';
import type { LogClient } from '../log-client/log-client';
import { EnforcementPoints } from './enforcement-points';

const LOG = 'default/0';
const HEAD = 9;
const SETTLED_MS = LIMITS.unheardMs + LIMITS.pointReportMs;

/** A gateway whose log ends at position 9, with points that report when the test states so. */
function world(
  event: object = {},
  head: () => Promise<unknown> = () => Promise.resolve({ ok: true, value: { position: HEAD + 1 } }),
) {
  const asked: unknown[] = [];
  let report: (raw: unknown) => void = () => undefined;
  let onEvent: (event: BusEvent) => void = () => undefined;
  const bus: Pick<Bus, 'listen' | 'publish' | 'onEvent' | 'status'> = {
    listen: (_subject, listener) => ((report = (raw) => listener(raw, '')), () => undefined),
    publish: (subject, payload) => (asked.push([subject, payload]), { ok: true, value: undefined }),
    onEvent: (listener) => ((onEvent = listener), () => undefined),
    status: () => ({ state: 'connected', server: 'here', reconnects: 0 }),
  };
  const logClient = {
    question: head,
    ledger: (_op: string, { after }: { after: number }) =>
      Promise.resolve({ items: [{ position: after + 1, time: '2026-01-01T00:00:00.000Z', ...event }] }),
  } as unknown as LogClient;
  const points = new EnforcementPoints(bus, logClient);
  points.onModuleInit();
  const point = new PointIdentity('boundary');
  let sequence = 0;
  const says = (epoch: number, more: Partial<PointReport> = {}): void =>
    report(
      point.sign({
        kind: 'boundary',
        process: 'host:1',
        sequence: sequence++,
        boundMs: LIMITS.unheardMs,
        stopping: false,
        logs: [{ log: LOG, epoch, hears: true, inFlight: 0, aborted: [] }],
        ...more,
      }),
    );
  const ask = (waitMs: number, position: number = HEAD) => points.ask({ log: LOG, position, waitMs });
  return { points, asked, says, ask, bus: (type: 'connected' | 'disconnected') => onEvent({ type, server: 'here' }) };
}
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('EnforcementPoints', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('confirms nothing until every point must have reported or aborted its calls', async () => {
    const { points, ask, asked } = world();
    expect(await ask(0)).toMatchObject({ confirmed: false, settlingMs: SETTLED_MS, items: [{ kind: 'owner' }] });
    expect(asked).toEqual([[EPOCH_ASKED, { log: LOG }]]);
    expect(await points.enforcing(LOG, HEAD, 'rev_0_1')).toBeUndefined();
    const waiting = ask(LIMITS.effectWaitMs);
    await pass(SETTLED_MS - 1);
    expect(await ask(0)).toMatchObject({ confirmed: false, settlingMs: 1 });
    await pass(1);
    const settled = await waiting;
    expect([settled.confirmed, settled.settlingMs]).toEqual([true, undefined]);
    expect(await points.enforcing(LOG, HEAD, 'rev_0_1')).toMatchObject([{ kind: 'owner' }]);
  });

  it('confirms nothing for the same time after the connection was lost, since it may have missed a point', async () => {
    const { ask, bus } = world();
    await pass(SETTLED_MS);
    expect((await ask(0)).confirmed).toBe(true);
    bus('disconnected');
    await pass(SETTLED_MS);
    expect((await ask(0)).confirmed).toBe(false);
    bus('connected');
    await pass(SETTLED_MS - 1);
    expect((await ask(0)).confirmed).toBe(false);
    await pass(1);
    expect((await ask(0)).confirmed).toBe(true);
  });

  it('does not wait if it cannot confirm in time anyway', async () => {
    const { ask } = world();
    expect((await ask(SETTLED_MS - 1)).settlingMs).toBe(SETTLED_MS);
  });

  it('learns of a point while it settles, and waits for it', async () => {
    const { ask, says } = world();
    const waiting = ask(LIMITS.effectWaitMs);
    await pass(LIMITS.pointReportMs);
    says(HEAD - 1);
    await pass(SETTLED_MS);
    says(HEAD);
    await pass(LIMITS.pointReportMs);
    expect(await waiting).toMatchObject({ confirmed: true, items: [{ kind: 'owner' }, { state: 'enforces' }] });
  });

  it('waits for a point that has gone silent, and no longer once every call of it must have ended', async () => {
    const { ask, says } = world();
    says(HEAD - 1);
    await pass(LIMITS.unheardMs + 1_000);
    expect(await ask(0)).toMatchObject({ confirmed: false, items: [{}, { state: 'silent' }] });
    await pass(LIMITS.pointKeptMs);
    expect(await ask(0)).toMatchObject({ confirmed: true, items: [{}, { state: 'gone' }] });
    says(HEAD - 1);
    expect(await ask(0)).toMatchObject({ confirmed: false, items: [{}, { state: 'behind' }] });
  });

  it('asks at fixed steps, however many requests wait and whatever points report', async () => {
    const { ask, asked, says } = world();
    await pass(SETTLED_MS);
    const waiting = [ask(1_000), ask(1_000), ask(1_000)];
    for (let n = 0; n < 100; n++) {
      says(HEAD - 1);
      await pass(10);
    }
    await Promise.all(waiting);
    await pass(LIMITS.epochAskedMs);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(asked.length).toBeLessThanOrEqual(1_000 / LIMITS.epochAskedMs + 1);
    const before = asked.length;
    await pass(10_000); // no request waits
    expect([asked.length, jest.getTimerCount()]).toEqual([before, 0]);
  });

  it('refuses to wait for a position that the log does not have', async () => {
    const { ask, asked } = world();
    await expect(ask(LIMITS.effectWaitMs, HEAD + 1)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      detail: 'position is 10, but default/0 ends at 9; state one of its positions',
    });
    expect(asked).toEqual([]);
  });

  it('asks no point about a log that does not exist', async () => {
    const { ask, asked } = world({}, () => Promise.reject(new Refused('NOT_FOUND', 'default/0 not found')));
    await expect(ask(LIMITS.effectWaitMs)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(asked).toEqual([]);
  });

  it('shows the owner of a log as silent while it cannot be reached', async () => {
    const { ask } = world({}, () => Promise.reject(new Refused('NOT_READY', 'no owner')));
    expect(await ask(0)).toMatchObject({ confirmed: false, items: [{ kind: 'owner', state: 'silent' }] });
  });
});
