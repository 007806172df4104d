import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { LiveLeases } from '../calls/live-leases';
import type { Reads } from '../calls/reads';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Asker } from '../sessions/session';
import type { Sessions } from '../sessions/sessions';
import type { Asked } from './asked';
import { Listening } from './listening';

const UPDATED = 'notifications/resources/updated';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

describe('Listening', () => {
  let toClient: Asker | undefined;
  let hasSession: boolean;
  /** what happens while a subscription is decided */
  let deciding: () => void;
  /** what happens while the lease is read for a session */
  let holding: () => void;
  const watched = new Set<AbortController>();
  let listening: Listening;
  beforeEach(() => {
    [toClient, hasSession, deciding, holding] = [undefined, true, () => undefined, () => undefined];
    watched.clear();
    const attach = (asker: Asker) => ((toClient = asker), () => undefined);
    const session = { attach, closed: new AbortController(), close: () => undefined, upstream: {} };
    const hold = async () => (holding(), { session: hasSession ? session : undefined, release: () => undefined });
    const watch = (_tenant: string, _grantId: string, call: AbortController) => {
      watched.add(call);
      return { end: () => watched.delete(call) };
    };
    const reads = { read: async () => (deciding(), { result: '{}' }) };
    listening = new Listening(
      { hold } as unknown as Sessions,
      reads as unknown as Reads,
      { watch } as unknown as LiveLeases,
    );
  });

  const client = (grantId = 'grt_1') => {
    const sent: [method: string, params: Record<string, unknown>][] = [];
    const gone = new AbortController();
    const stream = { notify: (method: string, params: never) => void sent.push([method, params]) };
    const claims = { tenant: 'default', grantId } as TokenClaims;
    const asked = { claims, upstream: {}, stream, signal: gone.signal } as unknown as Asked;
    const answer = listening.listen(1, { notifications: { resourceSubscriptions: ['test://a'] } }, asked);
    return { sent, gone, answer };
  };
  const turn = () => new Promise(setImmediate);

  it('sends what comes before the acknowledgement after it, each change once, and holds no more than the limit', async () => {
    const large = 'x'.repeat(BOUNDARY_LIMITS.unreadBytes / 4);
    deciding = () => {
      for (let i = 0; i < 100; i++) {
        toClient?.notify(UPDATED, { uri: 'test://a', large });
        toClient?.notify(UPDATED, { uri: 'test://a', i, large });
      }
    };
    const { sent, gone, answer } = client();
    await turn();
    expect(sent.map(([method]) => method)).toEqual([ACKNOWLEDGED, UPDATED, UPDATED, UPDATED]);
    expect(sent.slice(1).map(([, { i }]) => i)).toEqual([undefined, 0, 1]);
    toClient?.notify(UPDATED, { uri: 'test://a' });
    toClient?.notify(UPDATED, { uri: 'test://a' });
    expect(sent).toHaveLength(6);
    gone.abort();
    expect(await answer).toMatchObject({ status: 200 });
  });

  it('ends after the time that a call may take, so that its client opens another', async () => {
    const time = new AbortController();
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(time.signal);
    const { sent, answer } = client();
    await turn();
    expect([sent.length, timeout.mock.calls]).toEqual([1, [[BOUNDARY_LIMITS.callMs]]]);
    time.abort();
    expect(await answer).toMatchObject({ status: 200 });
    expect(watched.size).toBe(0);
    timeout.mockRestore();
  });

  it.each([true, false])('has as many streams of a lease as the limit states, with sessions: %s', async (has) => {
    hasSession = has;
    const open = Array.from({ length: BOUNDARY_LIMITS.sessionsPerLease }, () => client());
    await turn();
    await expect(client().answer).rejects.toThrow('too many streams');
    const other = client('grt_2');
    await turn();
    expect(other.sent).toHaveLength(1);
    open[0]?.gone.abort();
    await open[0]?.answer;
    const next = client();
    await turn();
    expect(next.sent).toHaveLength(1);
    for (const { gone } of [...open, other, next]) gone.abort();
  });

  it.each([true, false])('ends if the lease ends while it is read for a session, with sessions: %s', async (has) => {
    hasSession = has;
    holding = () => watched.forEach((call) => call.abort('revoked'));
    expect(await client().answer).toMatchObject({ status: 200 });
    expect(watched.size).toBe(0);
  });

  it('is watched no longer if it gets no session', async () => {
    holding = () => {
      throw new Error('too many clients');
    };
    await expect(client().answer).rejects.toThrow('too many clients');
    expect(watched.size).toBe(0);
  });
});
