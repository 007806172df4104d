import { SEQUENCES, judgeBy } from '#trajectory/rules';
import type { Event } from '#contracts/event';
import { act, only, openTestRun, ROOMY, TestLog, type Fields } from './testing/harness';

const ANN = { kind: 'person', id: 'key:ann' } as const;
const ARGS = `sha256:${'a'.repeat(64)}`;
const SEND: Partial<Fields<'authorize'>> = {
  action: { verb: 'http.post', effect: 'external', risk: 'high', argsDigest: ARGS },
  resource: { type: 'url', id: 'example.com/hook' },
};
const WATCHED = { ...ROOMY, risk: { ceiling: 'high' as const, approvalFrom: 'high' as const } };

function approvedSend(): { log: TestLog; grantId: string; approvalId: string } {
  const log = new TestLog(judgeBy(SEQUENCES));
  const { grantId } = openTestRun(log, WATCHED);
  const { approvalId } = only([act(log, grantId, 'http.post', SEND) as Event], 'ActionStepUp').data;
  log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN });
  return { log, grantId, approvalId };
}

describe('an approval and the objections it was asked for', () => {
  it('it permits the call while nothing else objects to it', () => {
    const { log, grantId, approvalId } = approvedSend();
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionPermitted');
  });

  it('it asks again when a sequence rule has objected since', () => {
    const { log, grantId, approvalId } = approvedSend();
    act(log, grantId, 'file.read', { labels: ['private'] });
    act(log, grantId, 'web.get', { action: { verb: 'web.get', effect: 'read' }, labels: ['untrusted'] });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionStepUp');
  });

  it('it refuses to ask a person about a call whose arguments are not stated', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    const call = {
      ...SEND,
      action: { verb: 'http.post', effect: 'external', risk: 'high', argsDigest: undefined } as const,
    };
    expect(act(log, grantId, 'http.post', call).type).not.toBe('ActionStepUp');
  });

  it('it denies a call that a person has just refused, and does not ask again', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    const { approvalId } = only([act(log, grantId, 'http.post', SEND) as Event], 'ActionStepUp').data;
    log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN });
    expect(act(log, grantId, 'http.post', SEND).type).toBe('ActionDenied');
  });
});
