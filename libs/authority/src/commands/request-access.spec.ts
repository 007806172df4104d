import { stateDigest } from '../state/digest';
import { askedFor } from '../testing/approvers';
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
