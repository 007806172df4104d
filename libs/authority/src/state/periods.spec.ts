import type { GrantRequest, WindowCap } from '@bailiwick/contracts/grants/grant';
import { CorruptLog } from '../events/follows';
import { act, delegateTestRun, only, openTestRun, REF, TestLog } from '../testing/harness';
import { stateDigest } from './digest';
import { fromSnapshot, toSnapshot } from './snapshot';

const counts = { calls: 1_000, reads: 1_000, writes: 1_000, external: 100, cost: { USD: 10_000 } };
const lease = (...windows: WindowCap[]): GrantRequest => ({
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  time: { ttl: '20d' },
  budget: { ...counts, windows },
  delegation: { depth: 2, children: 5, classes: ['*'] },
});
const daily = (timezone: string, calls = 2): WindowCap => ({ per: 'day', timezone, calls });
function logAt(time: string): TestLog {
  const log = new TestLog();
  log.now = Date.parse(time);
  return log;
}
const codes = (event: ReturnType<typeof act>) =>
  event.data.reasons.flatMap(({ reasons = [] }) => reasons.map(({ message }) => message));

describe('a calendar window', () => {
  it('denies until the local midnight, and states when that is in its zone', () => {
    const log = logAt('2026-03-28T22:59:00Z'); // 23:59 in Berlin; the next day has 23 hours
    const { grantId } = openTestRun(log, lease(daily('Europe/Berlin')));
    act(log, grantId, 'file.read');
    act(log, grantId, 'file.read');
    expect(codes(act(log, grantId, 'file.read'))).toEqual([
      'the calls per day (Europe/Berlin) are used up; the window moves at 2026-03-29T00:00:00+01:00',
    ]);
    log.now = Date.parse('2026-03-28T23:00:00Z');
    const first = act(log, grantId, 'file.read');
    expect(first.data).toMatchObject({
      periods: [
        {
          per: 'day',
          timezone: 'Europe/Berlin',
          start: '2026-03-28T23:00:00.000Z',
          end: '2026-03-29T22:00:00.000Z',
        },
      ],
    });
    act(log, grantId, 'file.read');
    log.now = Date.parse('2026-03-29T21:59:59Z');
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    log.now = Date.parse('2026-03-29T22:00:00Z');
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('resets where clocks skip midnight', () => {
    const log = logAt('2018-11-04T02:59:00Z'); // 23:59 in Sao Paulo; the next day starts at 01:00
    const { grantId } = openTestRun(log, lease(daily('America/Sao_Paulo', 1)));
    act(log, grantId, 'file.read');
    expect(codes(act(log, grantId, 'file.read'))[0]).toContain('moves at 2018-11-04T01:00:00-02:00');
    log.now = Date.parse('2018-11-04T03:00:00Z');
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('takes its period from the event, so that other time zone data give the same state', () => {
    const log = logAt('2026-06-01T10:00:00Z');
    const { grantId } = openTestRun(log, lease(daily('Europe/Berlin')));
    const permit = only(log.do('authorize', authorize(grantId)), 'ActionPermitted');
    // as decided on a machine for which the day ends six hours later
    const [period] = permit.data.periods ?? [];
    const end = '2026-06-02T04:00:00.000Z';
    const other = new TestLog();
    for (const event of log.events)
      other.append(
        event === permit ? { ...permit, data: { ...permit.data, periods: [{ ...period, end }] as never } } : event,
      );
    other.now = Date.parse('2026-06-02T03:00:00Z');
    act(other, grantId, 'file.read', { commandId: 'cmd_other001' });
    expect(codes(act(other, grantId, 'file.read', { commandId: 'cmd_other002' }))[0]).toContain(
      'moves at 2026-06-02T06:00:00+02:00',
    );
    const read = fromSnapshot(toSnapshot(other.state));
    expect(stateDigest(read)).toBe(stateDigest(other.state));
  });

  it('is recorded once per period, and a permit without its period is refused by the fold', () => {
    const log = logAt('2026-06-01T10:00:00Z');
    const { grantId } = openTestRun(log, lease(daily('Asia/Kathmandu', 5)));
    const first = only(log.do('authorize', authorize(grantId)), 'ActionPermitted');
    const second = only(log.do('authorize', authorize(grantId)), 'ActionPermitted');
    expect([first.data.periods?.length, second.data.periods]).toEqual([1, undefined]);
    const forged = logAt('2026-06-01T10:00:00Z');
    for (const event of log.events.slice(0, 2)) forged.append(event);
    const { periods: _, ...data } = first.data;
    expect(() => forged.append({ ...first, data })).toThrow();
    const [period] = first.data.periods ?? [];
    const past = { ...period, end: '2026-06-01T09:00:00.000Z' } as never;
    expect(() => forged.append({ ...first, data: { ...data, periods: [past] } })).toThrow(CorruptLog);
  });

  it('counts money in the period of the permit, and shares its cap with the runs below', () => {
    const log = logAt('2026-06-01T21:59:00Z');
    const top = openTestRun(log, lease({ per: 'day', timezone: 'Europe/Berlin', cost: { USD: 100 } }));
    const below = delegateTestRun(log, top.grantId, { delegation: { depth: 1, children: 1, classes: ['*'] } });
    const paid = act(log, below.grantId, 'order.make', { cost: { USD: 90 } });
    expect(act(log, top.grantId, 'order.make', { cost: { USD: 20 } }).type).toBe('ActionDenied');
    log.now = Date.parse('2026-06-01T22:01:00Z');
    act(log, top.grantId, 'order.make', { cost: { USD: 60 } });
    log.do('settle', { actionId: paid.actionId as string, outcome: { status: 'completed', cost: { USD: 10 } } });
    expect(act(log, below.grantId, 'order.make', { cost: { USD: 41 } }).type).toBe('ActionDenied');
    expect(act(log, below.grantId, 'order.make', { cost: { USD: 40 } }).type).toBe('ActionPermitted');
  });

  it('is kept by a child; another zone is another window, and higher caps are refused', () => {
    const log = logAt('2026-06-01T10:00:00Z');
    const top = openTestRun(log, lease(daily('Europe/Berlin')));
    const child = (...windows: WindowCap[]) =>
      log.do('delegate', {
        grantId: top.grantId,
        agent: { class: 'helper' },
        purposeRef: REF,
        grant: { budget: { windows } },
      });
    const issued = only(child(daily('America/New_York', 9)), 'GrantIssued');
    expect(issued.data.limits.budget.windows.map(({ timezone, calls }) => [timezone, calls])).toEqual([
      ['America/New_York', 9],
      ['Europe/Berlin', 2],
    ]);
    expect(only(child(daily('Europe/Berlin', 3)), 'DelegationRefused').data.reasons[0]?.path).toBe(
      'budget.windows[day Europe/Berlin]',
    );
  });

  it('of an unknown zone is refused', () => {
    const log = new TestLog();
    expect(() => openTestRun(log, lease(daily('Europe/Nowhere')))).toThrow(/Nowhere/);
  });

  function authorize(grantId: string) {
    return {
      grantId,
      action: { verb: 'file.read', argsDigest: `sha256:${'0'.repeat(64)}` },
      resource: { type: 'file', id: 'a/b' },
      proof: { vouched: true as const },
    };
  }
});
