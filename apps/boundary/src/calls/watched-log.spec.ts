import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { deniedBy, UNHEARD } from './abort-reason';
import { WatchedLog } from './watched-log';

const ACTION = 'act_0';
const RULE = `rev_0_${'0'.repeat(26)}`;
const call = (n: number, actionId: string) => ({ grantId: lease(n), actionId, revocationId: RULE });
const lease = (n: number): string => `grt_0_${String(n).padStart(26, '0')}`;

describe('WatchedLog', () => {
  it('aborts a call that nothing has vouched for within the bound, and not the ones after it', () => {
    const log = new WatchedLog('default/0', 0);
    const [old, young] = [new AbortController(), new AbortController()];
    log.add(lease(1), old, 0).permitted(ACTION);
    log.add(lease(1), young, 10).permitted(ACTION);
    log.abortUnheard(LIMITS.unheardMs);
    expect(old.signal.aborted).toBe(false);
    log.abortUnheard(LIMITS.unheardMs + 1);
    expect([old.signal.reason, young.signal.aborted]).toEqual([UNHEARD, false]);
    expect(log.report(LIMITS.unheardMs + 1)).toMatchObject({ hears: false, aborted: [{ calls: 1 }] });
  });

  it('counts an answer from when it was asked for, since it may be as old', () => {
    const log = new WatchedLog('default/0', 0);
    const call = new AbortController();
    log.add(lease(1), call, 0);
    log.apply({ position: 7, ended: [], denied: [] }, [lease(1)], 100);
    log.abortUnheard(LIMITS.unheardMs + 100);
    expect(call.signal.aborted).toBe(false);
    log.abortUnheard(LIMITS.unheardMs + 101);
    expect(call.signal.aborted).toBe(true);
  });

  it('aborts the denied calls of a lease only, states what denies them, and counts them under it', () => {
    const log = new WatchedLog('default/0', 0);
    const [denied, other] = [new AbortController(), new AbortController()];
    log.add(lease(1), denied, 0).permitted('act_1');
    log.add(lease(1), other, 0).permitted('act_2');
    log.apply({ position: 7, ended: [], denied: [call(1, 'act_1')] }, [lease(1)], 0);
    expect([denied.signal.reason, other.signal.aborted]).toEqual([deniedBy(RULE), false]);
    expect(log.report(0)).toMatchObject({ epoch: 7, aborted: [{ revocationId: RULE, calls: 1 }] });
  });

  it('aborts a call whose permit arrives after the answer that denies it, and does not count it as in flight', () => {
    const log = new WatchedLog('default/0', 0);
    const late = new AbortController();
    const watch = log.add(lease(1), late, 0);
    log.apply({ position: 7, ended: [], denied: [call(1, 'act_1')] }, [lease(1)], 0);
    expect([late.signal.aborted, log.epoch]).toEqual([false, 7]);
    watch.permitted('act_1');
    expect(late.signal.aborted).toBe(true);
    expect(log.report(0)).toMatchObject({ inFlight: 0, aborted: [] });
  });

  /**
   * An owner with leases, one of which ends at a position, or denies the calls before it; calls start and answers are asked
   * for at any time, and both may be under way for any time, as may permits. Whenever the event is reported as enforced, no
   * call that was permitted before it is in flight.
   */
  it.each(['ends leases', 'denies a tool'])('reports what %s as enforced only when its calls are aborted', (effect) => {
    type Step = { kind: 'start' | 'permit' | 'ask' | 'serve' | 'answer' | 'commit'; n: number };
    const step = fc.record<Step>({
      kind: fc.constantFrom('start', 'permit', 'ask', 'serve', 'answer', 'commit'),
      n: fc.nat(3),
    });
    let reported = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), fc.integer({ min: 1, max: 3 }), (steps, end) => {
        const log = new WatchedLog('default/0', 0);
        let head = 0;
        const calls: { grantId: string; actionId: string; abort: AbortController; permit: () => void }[] = [];
        const underWay: (() => void)[] = [];
        const inFlight = new Set<(typeof calls)[number]>();
        const answers: { asked: string[]; position?: number }[] = [];
        for (const { kind, n } of steps) {
          if (kind === 'commit') head += 1;
          if (kind === 'ask') answers.push({ asked: log.grantIds });
          const unserved = kind === 'serve' ? answers.find(({ position }) => position === undefined) : undefined;
          if (unserved) unserved.position = head;
          if (kind === 'start' && head < end) {
            const abort = new AbortController();
            const watch = log.add(lease(n), abort, 0);
            const started = {
              grantId: lease(n),
              actionId: `act_${calls.length}`,
              abort,
              permit: () => {
                watch.permitted(started.actionId);
                inFlight.add(started);
              },
            };
            calls.push(started);
            underWay.push(started.permit);
          }
          if (kind === 'permit') underWay.splice(n, 1)[0]?.();
          const answered = kind === 'answer' && answers[0]?.position !== undefined ? answers.shift() : undefined;
          if (answered) {
            const { asked, position = 0 } = answered;
            const strikes = position >= end;
            const ended = strikes && effect === 'ends leases' ? asked.map((grantId) => ({ grantId })) : [];
            const struck = calls.filter(({ grantId }) => asked.includes(grantId));
            const denied =
              strikes && effect === 'denies a tool'
                ? struck.map(({ grantId, actionId }) => ({ grantId, actionId, revocationId: RULE }))
                : [];
            log.apply({ position, ended, denied }, asked, 0);
          }
          if (log.epoch < end) continue;
          reported += inFlight.size;
          expect([...inFlight].filter(({ abort }) => !abort.signal.aborted)).toEqual([]);
        }
      }),
    );
    expect(reported).toBeGreaterThan(100);
  });
});
