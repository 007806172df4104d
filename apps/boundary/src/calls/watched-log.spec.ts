import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { UNHEARD, WatchedLog } from './watched-log';

const lease = (n: number): string => `grt_0_${String(n).padStart(26, '0')}`;

describe('WatchedLog', () => {
  it('aborts a call that nothing has vouched for within the bound, and not the ones after it', () => {
    const log = new WatchedLog('default/0', 0);
    const [old, young] = [new AbortController(), new AbortController()];
    log.add(lease(1), old, 0).permitted();
    log.add(lease(1), young, 10).permitted();
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
    log.apply({ position: 7, ended: [] }, [lease(1)], 100);
    log.abortUnheard(LIMITS.unheardMs + 100);
    expect(call.signal.aborted).toBe(false);
    log.abortUnheard(LIMITS.unheardMs + 101);
    expect(call.signal.aborted).toBe(true);
  });

  /**
   * An owner with leases, one of which ends at a position; calls start and answers are asked for at any time, and both may be
   * under way for any time. Whenever the end is reported as enforced, no call that was permitted before it is in flight.
   */
  it('reports an end as enforced only when every call that was permitted before it is aborted', () => {
    type Step = { kind: 'start' | 'ask' | 'serve' | 'answer' | 'commit'; n: number };
    const step = fc.record<Step>({ kind: fc.constantFrom('start', 'ask', 'serve', 'answer', 'commit'), n: fc.nat(3) });
    let reported = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), fc.integer({ min: 1, max: 3 }), (steps, end) => {
        const log = new WatchedLog('default/0', 0);
        let head = 0;
        const calls: { grantId: string; abort: AbortController; decidedAt: number }[] = [];
        const answers: { asked: string[]; position?: number }[] = [];
        const hasEnded = (position: number) => position >= end;
        for (const { kind, n } of steps) {
          if (kind === 'commit') head += 1;
          if (kind === 'ask') answers.push({ asked: log.grantIds });
          const unserved = kind === 'serve' ? answers.find(({ position }) => position === undefined) : undefined;
          if (unserved) unserved.position = head;
          if (kind === 'start' && !hasEnded(head)) {
            const abort = new AbortController();
            log.add(lease(n), abort, 0).permitted();
            calls.push({ grantId: lease(n), abort, decidedAt: head });
          }
          const answered = kind === 'answer' && answers[0]?.position !== undefined ? answers.shift() : undefined;
          if (answered) {
            const { asked, position = 0 } = answered;
            const ended = hasEnded(position) ? asked.map((grantId) => ({ grantId })) : [];
            log.apply({ position, ended }, asked, 0);
          }
          if (log.epoch < end) continue;
          reported += calls.length;
          expect(calls.filter(({ abort }) => !abort.signal.aborted)).toEqual([]);
        }
      }),
    );
    expect(reported).toBeGreaterThan(100);
  });
});
