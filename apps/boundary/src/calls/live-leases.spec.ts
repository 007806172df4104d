import { LIMITS } from '@bailiwick/core/limits';
import { LiveLeases } from './live-leases';
import { REVOKED, UNHEARD } from './watched-log';

const GRANT = `grt_0_${'0'.repeat(26)}`;

/** Leases whose owner answers as stated, at a time that the test sets. */
function world(answer: () => Promise<object>) {
  const clock = { now: 0 };
  const asked: unknown[] = [];
  const owners = { query: (query: unknown) => (asked.push(query), answer()) };
  const listeners = new Map<string, (payload: unknown) => void>();
  const bus = {
    listen: (subject: string, listener: (payload: unknown) => void) => {
      listeners.set(subject, listener);
      return () => undefined;
    },
  };
  const leases = new LiveLeases(owners as never, bus, () => clock.now);
  return { leases, clock, asked, hear: (subject: string, payload?: unknown) => listeners.get(subject)?.(payload) };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('LiveLeases', () => {
  it('aborts a call once its owner has been silent for longer than the bound, also if the process was stopped', async () => {
    const { leases, clock } = world(() => Promise.reject(new Error('no owner')));
    const call = new AbortController();
    const watched = leases.watch('default', GRANT, call);
    leases.look();
    await settled();
    expect(watched.stopped).toBeUndefined();
    clock.now = LIMITS.unheardMs + 1;
    leases.abortUnheard(); // what a permit does that arrives after the process continues
    expect([watched.stopped, call.signal.aborted]).toEqual([UNHEARD, true]);
    expect(leases.report()).toMatchObject([{ log: 'default/0', epoch: -1, hears: false }]);
    leases.close();
  });

  it('asks about a log without calls when it is asked for its epoch, and about no other', async () => {
    const { leases, asked, hear } = world(() => Promise.resolve({ position: 7, ended: [] }));
    for (const forged of [undefined, {}, { log: 'x' }, { log: 'default/0', more: 1 }])
      hear('bailiwick.boundary.epoch', forged);
    hear('bailiwick.event.*.*');
    expect(asked).toEqual([]);
    hear('bailiwick.boundary.epoch', { log: 'default/0' });
    await settled();
    expect(asked).toEqual([{ op: 'live', log: 'default/0', grantIds: [] }]);
    expect(leases.report()).toEqual([{ log: 'default/0', epoch: 7, hears: true, inFlight: 0, aborted: [] }]);
    leases.close();
  });

  it('aborts the calls that come after it was closed at once, as those before', () => {
    const stopping = 'the service is stopping';
    const { leases } = world(() => Promise.resolve({ position: 7, ended: [] }));
    const calls = [new AbortController(), new AbortController()];
    const watched = calls.map((call, i) => {
      if (i === 1) leases.close();
      return leases.watch('default', GRANT, call);
    });
    expect(watched.map(({ stopped }) => stopped)).toEqual([stopping, stopping]);
    expect(calls.map(({ signal }) => signal.reason as unknown)).toEqual([stopping, stopping]);
    for (const each of watched) {
      each.permitted();
      each.end();
    }
    expect(leases.report()).toMatchObject([{ inFlight: 0 }]);
  });

  it('aborts each call of a lease but those that have ended, in any order of ends', async () => {
    let ended: string[] = [];
    const { leases } = world(() => Promise.resolve({ position: 7, ended: ended.map((grantId) => ({ grantId })) }));
    const watched = () => {
      const call = new AbortController();
      return { call, end: leases.watch('default', GRANT, call).end };
    };
    const calls = [watched(), watched(), watched()];
    for (const at of [1, 1, 0]) calls[at]?.end();
    calls.push(watched());
    ended = [GRANT];
    leases.look();
    await settled();
    expect(calls.map(({ call }) => call.signal.reason as unknown)).toEqual([undefined, undefined, REVOKED, REVOKED]);
    leases.close();
  });

  it('keeps watching a call although an earlier one of its log ends again after the log was forgotten', async () => {
    const { leases } = world(() => Promise.resolve({ position: 7, ended: [{ grantId: GRANT }] }));
    const earlier = leases.watch('default', GRANT, new AbortController());
    earlier.end();
    for (let i = 0; i < LIMITS.pointLogs; i++) leases.watch(`tenant-${i}`, GRANT, new AbortController()).end();
    const call = new AbortController();
    leases.watch('default', GRANT, call);
    earlier.end();
    leases.look();
    await settled();
    expect(call.signal.reason).toBe(REVOKED);
    leases.close();
  });
});
