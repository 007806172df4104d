import { LIMITS } from '@bailiwick/core/limits';
import { eventSubject } from '@bailiwick/messaging/subjects';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { LiveLeases } from './live-leases';
import { REVOKED, STOPPING, UNHEARD } from './abort-reason';

const GRANT = `grt_0_${'0'.repeat(26)}`;

/** Leases whose owner answers as stated, at a time that the test sets. */
function world(answer: () => Promise<object>) {
  const clock = { now: 0 };
  const asked: unknown[] = [];
  const owners = { query: (query: unknown) => (asked.push(query), answer()) };
  const listeners = new Map<string, (payload: unknown, subject: string) => void>();
  const bus = {
    listen: (subject: string, listener: (payload: unknown, subject: string) => void) => {
      listeners.set(subject, listener);
      return () => undefined;
    },
  };
  const leases = new LiveLeases(owners as never, bus, () => clock.now);
  let reports = 0;
  leases.onChange(() => (reports += 1));
  const hear = (subject: string, payload?: unknown, published = subject) =>
    listeners.get(subject)?.(payload, published);
  const announce = (log: string) => hear('bailiwick.event.*.*', { from: 1, next: 2 }, eventSubject(log));
  return { leases, clock, asked, hear, announce, reports: () => reports };
}
const ACTION = 'act_0';
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

  it('does not hear an owner that cannot state which calls are denied', async () => {
    const { leases, clock } = world(() => Promise.resolve({ position: 7, ended: [] }));
    const call = new AbortController();
    leases.watch('default', GRANT, call);
    leases.look();
    await settled();
    clock.now = LIMITS.unheardMs + 1;
    leases.abortUnheard();
    expect(call.signal.reason).toBe(UNHEARD);
    expect(leases.report()).toMatchObject([{ epoch: -1, hears: false }]);
    leases.close();
  });

  it('asks about a log without calls when it is asked for its epoch, and about no other', async () => {
    const { leases, asked, hear } = world(() => Promise.resolve({ position: 7, ended: [], denied: [] }));
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
    const { leases } = world(() => Promise.resolve({ position: 7, ended: [], denied: [] }));
    const calls = [new AbortController(), new AbortController()];
    const watched = calls.map((call, i) => {
      if (i === 1) leases.close();
      return leases.watch('default', GRANT, call);
    });
    expect(watched.map(({ stopped }) => stopped)).toEqual([STOPPING, STOPPING]);
    expect(calls.map(({ signal }) => signal.reason as unknown)).toEqual([STOPPING, STOPPING]);
    for (const each of watched) {
      each.permitted(ACTION);
      each.end();
    }
    expect(leases.report()).toMatchObject([{ inFlight: 0 }]);
  });

  it('aborts each call of a lease but those that have ended, in any order of ends', async () => {
    let ended: string[] = [];
    const { leases } = world(() =>
      Promise.resolve({ position: 7, ended: ended.map((grantId) => ({ grantId })), denied: [] }),
    );
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
    const { leases } = world(() => Promise.resolve({ position: 7, ended: [{ grantId: GRANT }], denied: [] }));
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

  it('asks about the log whose commit is announced, and about no other', async () => {
    const { leases, asked, announce } = world(() => Promise.resolve({ position: 7, ended: [], denied: [] }));
    for (const tenant of ['default', 'other']) leases.watch(tenant, GRANT, new AbortController());
    announce('third/0');
    expect(asked).toEqual([]);
    announce('other/0');
    await settled();
    expect(asked).toEqual([{ op: 'live', log: 'other/0', grantIds: [GRANT] }]);
    leases.close();
  });

  it('reports an answer that changes what is enforced, and any answer that a gateway asked for', async () => {
    let position = 7;
    const { leases, announce, hear, reports } = world(() => Promise.resolve({ position, ended: [], denied: [] }));
    leases.watch('default', GRANT, new AbortController());
    const seen: number[] = [];
    const after = async (act: () => unknown): Promise<void> => {
      act();
      await settled();
      seen.push(reports());
    };
    await after(() => announce('default/0'));
    await after(() => announce('default/0'));
    await after(() => hear('bailiwick.boundary.epoch', { log: 'default/0' }));
    await after(() => announce('default/0'));
    position = 8;
    await after(() => announce('default/0'));
    expect(seen).toEqual([1, 1, 2, 2, 3]);
    leases.close();
  });

  describe('with an owner that takes too long', () => {
    beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate'] }));
    afterEach(() => void jest.useRealTimers());

    /** Two questions, the first of which was given up; each is answered when the test states so. */
    async function twoQuestions() {
      const answers: ((view: object) => void)[] = [];
      const { leases, clock } = world(() => new Promise((resolve) => answers.push(resolve)));
      const call = new AbortController();
      leases.watch('default', GRANT, call);
      leases.look();
      clock.now = BOUNDARY_LIMITS.liveAnswerMs;
      await jest.advanceTimersByTimeAsync(BOUNDARY_LIMITS.liveAnswerMs + BOUNDARY_LIMITS.liveEveryMs);
      const answer = async (n: number, view: object): Promise<void> => {
        answers[n]?.(view);
        await settled();
      };
      return { leases, clock, call, answer, epoch: () => leases.report()[0]?.epoch, asked: () => answers.length };
    }

    it('applies a late answer: it vouches for when it was asked for', async () => {
      const { leases, clock, call, answer, epoch, asked } = await twoQuestions();
      expect([asked(), epoch()]).toEqual([2, -1]);
      await answer(0, { position: 7, ended: [], denied: [] });
      expect(epoch()).toBe(7);
      clock.now = LIMITS.unheardMs + 1; // since the first question
      leases.abortUnheard();
      expect(call.signal.reason).toBe(UNHEARD);
      leases.close();
    });

    it('aborts what a late answer ends', async () => {
      const { leases, call, answer } = await twoQuestions();
      await answer(0, { position: 7, ended: [{ grantId: GRANT }], denied: [] });
      expect(call.signal.reason).toBe(REVOKED);
      leases.close();
    });

    it('ignores an answer that was overtaken by that to a later question', async () => {
      const { leases, answer, epoch } = await twoQuestions();
      await answer(1, { position: 9, ended: [], denied: [] });
      await answer(0, { position: 7, ended: [], denied: [] });
      expect(epoch()).toBe(9);
      leases.close();
    });
  });
});
