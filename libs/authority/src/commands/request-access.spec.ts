import { stateDigest } from '../state/digest';
import { ADA, answer, ask, askedFor, BEN, CAREFUL, outcomeOf, payment, rule } from '../testing/approvers';
import { openTestRun, TestLog } from '../testing/harness';

const ofRun = (id: string) => ({ kind: 'run', id }) as const;

describe('a request for access', () => {
  it('is recorded with the call that a person is asked about, and changes nothing of what is asked', () => {
    const log = new TestLog();
    const { approvalId, runId, grantId } = askedFor(log);
    const before = { ...log.state.approvals.get(approvalId) };
    const [event] = log.do('requestAccess', { approvalId, actor: ofRun(runId) });
    expect(event).toMatchObject({ type: 'AccessRequested', runId, grantId, data: { approvalId, by: runId } });
    expect(log.state.approvals.get(approvalId)).toEqual(before);
  });

  it('of a run is for its calls only: another is refused, and that is recorded', () => {
    const log = new TestLog();
    const { approvalId } = askedFor(log);
    const other = openTestRun(log);
    const events = log.try('requestAccess', { approvalId, actor: ofRun(other.runId) });
    expect(events).toMatchObject({ events: [{ type: 'Refused', data: { code: 'FORBIDDEN' } }] });
  });

  it('is about a call that a person is asked about, and nothing else', () => {
    const log = new TestLog();
    const digest = stateDigest(log.state);
    expect(log.try('requestAccess', { approvalId: `apr_0_${'0'.repeat(26)}` })).toMatchObject({
      refusal: { code: 'NOT_FOUND' },
    });
    expect(stateDigest(log.state)).toBe(digest);
  });
});

describe('the withdrawal of a request', () => {
  const withdraw = (log: TestLog, approvalId: string, by?: string) =>
    log.try('withdrawRequest', { approvalId, ...(by === undefined ? {} : { actor: ofRun(by) }) });

  it('ends what waits for people: no person may answer it any more, and the call is asked about again', () => {
    const log = new TestLog();
    const { approvalId, runId, grantId } = askedFor(log);
    expect(withdraw(log, approvalId, runId)).toMatchObject({
      events: [{ type: 'ApprovalWithdrawn', runId, grantId, data: { approvalId, by: runId } }],
    });
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('ALREADY_DECIDED');
    expect(ask(log, grantId).data.approvalId).not.toBe(approvalId);
  });

  it('of a run is for its own, and leaves another waiting', () => {
    const log = new TestLog();
    const { approvalId } = askedFor(log);
    const other = openTestRun(log);
    expect(withdraw(log, approvalId, other.runId)).toMatchObject({ events: [{ data: { code: 'FORBIDDEN' } }] });
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('ApprovalGiven');
  });

  it('takes nothing back that people have decided, and happens once', () => {
    const log = new TestLog();
    const [given, denied, gone] = [1, 2, 3].map((cents) => askedFor(log, payment(cents)));
    answer(log, given?.approvalId ?? '', ADA);
    answer(log, denied?.approvalId ?? '', ADA, { verdict: 'deny' });
    withdraw(log, gone?.approvalId ?? '');
    for (const each of [given, denied, gone])
      expect(outcomeOf(withdraw(log, each?.approvalId ?? '', each?.runId)).type).toBe('ALREADY_DECIDED');
  });

  it('ends a request that some of its people have approved', () => {
    const log = new TestLog();
    rule(log, { name: 'two', needed: 2 });
    const { grantId, runId } = openTestRun(log, CAREFUL);
    const { approvalId } = ask(log, grantId).data;
    expect(outcomeOf(answer(log, approvalId, BEN)).type).toBe('ApprovalAnswered');
    withdraw(log, approvalId, runId);
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('ALREADY_DECIDED');
    expect(log.state.approvals.get(approvalId)).toMatchObject({ status: 'withdrawn', by: undefined });
  });
});
