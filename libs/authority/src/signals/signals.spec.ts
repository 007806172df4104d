import { policySignals } from '@bailiwick/contracts/policy/policy-signals';
import { act, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { Signals } from './signals';

const PERSON = { kind: 'person', id: 'person:ann' } as const;
const signalsOf = ({ events }: TestLog) => {
  const signals = new Signals();
  for (const event of events) signals.take(event);
  return signals.summary();
};
/** Asks for calls that need a person, who answers each after a time. */
function asked(log: TestLog, times: number, ms: number, verdict: 'approve' | 'deny' | 'none' = 'approve'): void {
  const { grantId } = openTestRun(log, ROOMY, 'mailer');
  for (let i = 0; i < times; i++) {
    const resource = { type: 'file', id: `a/${i}` };
    const { data } = act(log, grantId, 'thing.delete', { resource }) as { data: { approvalId: string } };
    log.now += ms;
    if (verdict === 'none') continue;
    log.do('decideApproval', { approvalId: data.approvalId, verdict, actor: PERSON });
    if (verdict === 'approve') act(log, grantId, 'thing.delete', { resource, approvalId: data.approvalId });
  }
}

describe('Signals', () => {
  it('counts decisions, answers and their times by verb and class', () => {
    const log = new TestLog();
    asked(log, 2, 2_000);
    asked(log, 1, 40_000, 'deny');
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['file.*'] } }, 'reader');
    act(log, grantId, 'file.read');
    act(log, grantId, 'email.send');
    const result = signalsOf(log);
    expect(result.decisions).toBe(7);
    const [first] = result.verbs;
    expect(first).toEqual({
      verb: 'thing.delete',
      agentClass: 'mailer',
      permits: 2,
      denials: 0,
      stepUps: 3,
      overrides: 2,
      asked: 3,
      approved: 2,
      refused: 1,
      expired: 0,
      instantly: 2,
      brokenGlass: 0,
      answers: [2, 0, 0, 1, 0, 0, 0, 0, 0],
    });
    expect(result.reasons).toEqual(
      expect.arrayContaining([{ code: 'ACTION_NOT_ALLOWED', agentClass: 'reader', decision: 'deny', count: 1 }]),
    );
    const whole = { log: 'default/0', since: '2026-01-01T00:00:00Z', from: 0, to: 9, truncated: false, ...result };
    expect(policySignals.parse(whole)).toEqual(whole);
  });

  it('counts a request once, however often the call is repeated, and that it expired', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let i = 0; i < 3; i++) act(log, grantId, 'thing.delete');
    log.now += 24 * 3_600_000;
    log.tickAll();
    expect(signalsOf(log).verbs[0]).toMatchObject({ stepUps: 3, asked: 1, expired: 1 });
  });

  it.each<[string, (log: TestLog) => void, string, RegExp]>([
    ['a prompt that is not read', (log) => asked(log, 12, 1_000), 'not-read', /approved 12 of 12 times within 3 s/],
    ['a prompt that is always approved', (log) => asked(log, 12, 60_000), 'always-approved', /approved 12 of 12 times/],
    [
      'a prompt that is always refused',
      (log) => asked(log, 6, 60_000, 'deny'),
      'always-refused',
      /refused 6 of 6 times/,
    ],
    [
      'a prompt that is never answered',
      (log) => {
        asked(log, 6, 1_000, 'none');
        log.now += 24 * 3_600_000;
        log.tickAll();
      },
      'not-answered',
      /6 requests for thing\.delete of mailer expired/,
    ],
    [
      'a lease that does not fit',
      (log) => {
        const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['file.*'] } });
        for (let i = 0; i < 20; i++) act(log, grantId, 'calendar.read');
      },
      'does-not-fit',
      /worker was denied 20 times with ACTION_NOT_ALLOWED and permitted 0 times/,
    ],
  ])('suggests what to do about %s', (_what, play, kind, says) => {
    const log = new TestLog();
    play(log);
    expect(signalsOf(log).suggestions).toMatchObject([{ kind, says: expect.stringMatching(says) as string }]);
  });

  it('suggests nothing about a few answers', () => {
    const log = new TestLog();
    asked(log, 4, 1_000);
    expect(signalsOf(log).suggestions).toEqual([]);
  });
});
