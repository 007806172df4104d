import fc from 'fast-check';
import type { Event } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import { SEQUENCES, judgeBy } from '@bailiwick/trajectory/rules';
import { objectionsIn } from './objections';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog, type Fields } from '../../testing/harness';

const ANN = { kind: 'person', id: 'key:ann' } as const;
const ARGS = `sha256:${'a'.repeat(64)}`;
const SEND: Partial<Fields<'authorize'>> = {
  action: { verb: 'http.post', effect: 'external', risk: 'high', argsDigest: ARGS },
  resource: { type: 'url', id: 'example.com/hook' },
};
const WATCHED = {
  ...ROOMY,
  risk: { ceiling: 'high' as const, approvalFrom: 'high' as const },
  purpose: { onDrift: { stepUpAt: 0.5, suspendAt: 1 } },
};

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
    act(log, grantId, 'web.get', { action: { verb: 'web.get', effect: 'read' }, labels: ['untrusted'] });
    act(log, grantId, 'file.read', { labels: ['private'] });
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

describe('the objections that an approval covers', () => {
  const asked = (log: TestLog, grantId: string, more: object = {}) =>
    act(log, grantId, 'http.post', { ...SEND, ...more });
  const call = (over: object) => ({ action: { ...SEND.action, ...over } });

  const added: [string, (log: TestLog, grantId: string, runId: string) => object][] = [
    ['a stricter risk stated since', () => call({ risk: 'irreversible' })],
    ['drift recorded since', (log, _grantId, runId) => (drift(log, runId, 0.7), {})],
    ['drift that arrives with the call', () => ({ drift: { score: 0.8, features: [] } })],
    ['a monitor that cannot be asked', () => ({ drift: 'unavailable' })],
    [
      'a sequence rule',
      (log, grantId) => (
        act(log, grantId, 'file.read', { labels: ['private'] }),
        act(log, grantId, 'file.read', { labels: ['untrusted'] }),
        {}
      ),
    ],
    ['a label of the call itself that completes a sequence', () => ({ labels: ['private', 'untrusted'] })],
  ];
  it.each(added)('it asks again for %s, and the old approval is not used up', (_name, more) => {
    const log = new TestLog(judgeBy(SEQUENCES));
    const grant = { ...WATCHED, risk: { ceiling: 'irreversible' as const, approvalFrom: 'high' as const } };
    const opened = log.do('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant });
    const person = { verdict: 'approve', actor: ANN } as const;
    const root = only(opened, 'ApprovalRequested').data.approvalId;
    const issued = only(log.do('decideApproval', { approvalId: root, ...person }), 'GrantIssued');
    const [lease, runId] = [issued.grantId as string, issued.runId as string];
    const { approvalId } = only([asked(log, lease) as Event], 'ActionStepUp').data;
    log.do('decideApproval', { approvalId, ...person });
    const again = asked(log, lease, { ...more(log, lease, runId), approvalId });
    const next = only([again as Event], 'ActionStepUp').data.approvalId;
    expect(next).not.toBe(approvalId);
    expect(log.state.approvals.get(approvalId)?.status).toBe('approved');
    expect(log.state.approvals.get(next)).toMatchObject({ status: 'pending', replaces: approvalId });
  });

  it('it takes a pending question back when more objects by now, and asks one that shows both', () => {
    const log = new TestLog(judgeBy(SEQUENCES));
    const { grantId } = openTestRun(log, WATCHED);
    const first = only([asked(log, grantId) as Event], 'ActionStepUp').data.approvalId;
    const second = only([asked(log, grantId, { drift: 'unavailable' }) as Event], 'ActionStepUp').data.approvalId;
    expect(log.state.approvals.get(first)?.status).toBe('expired');
    // back and forth makes no third question
    expect(only([asked(log, grantId) as Event], 'ActionStepUp').data.approvalId).toBe(second);
    expect(log.state.approvals.get(second)?.objections).toHaveLength(2);
    expect([...log.state.approvals.values()].filter(({ status }) => status === 'pending')).toHaveLength(1);
  });

  it('an approval of an older log, which does not state what was shown, covers nothing', () => {
    const { log, grantId, approvalId } = approvedSend();
    Object.assign(log.state.approvals.get(approvalId) as object, { objections: undefined, asks: undefined });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionStepUp');
  });

  it('what is denied since stays denied', () => {
    const { log, grantId, approvalId } = approvedSend();
    act(log, grantId, 'file.read', { labels: ['read:secret'] });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionDenied');
  });

  it('approvals are monotone in objections: one more never makes a permit, and a permit is covered by what was shown', () => {
    const objection = fc.constantFrom('drift', 'monitor', 'private', 'untrusted', 'risk');
    let [permits, again] = [0, 0];
    const property = fc.property(fc.array(objection), fc.array(objection), (before, since) => {
      const log = new TestLog(judgeBy(SEQUENCES));
      const { grantId, runId } = openTestRun(log, WATCHED);
      const stated = { labels: [] as string[], drift: undefined as unknown, risk: 'high' };
      const add = (what: string): void => {
        if (what === 'drift') drift(log, runId, 0.7);
        if (what === 'monitor') stated.drift = 'unavailable';
        if (what === 'private' || what === 'untrusted') act(log, grantId, 'file.read', { labels: [what] });
        if (what === 'risk') stated.labels = ['private', 'untrusted'];
      };
      const ask = (approvalId?: string) =>
        asked(log, grantId, {
          labels: stated.labels,
          ...(stated.drift === undefined ? {} : { drift: stated.drift }),
          ...(approvalId === undefined ? {} : { approvalId }),
        });
      before.forEach(add);
      const { approvalId } = only([ask() as Event], 'ActionStepUp').data;
      const shown = new Set(log.state.approvals.get(approvalId)?.objections);
      log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN });
      since.forEach(add);
      const decided = ask(approvalId);
      const today = objectionsIn(decided.data.reasons.filter(({ rule }) => rule !== 'approval'));
      const covered = today.every((each) => shown.has(each));
      expect(decided.type).toBe(covered ? 'ActionPermitted' : 'ActionStepUp');
      if (covered) permits += 1;
      else again += 1;
    });
    fc.assert(property, { numRuns: 120, seed: 20260505 });
    expect(Math.min(permits, again)).toBeGreaterThan(10);
  });
});

describe('what a person has refused', () => {
  const refuse = (log: TestLog, grantId: string, more: object = {}) => {
    const { approvalId } = only([act(log, grantId, 'http.post', { ...SEND, ...more }) as Event], 'ActionStepUp').data;
    log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN });
    return approvalId;
  };
  const codes = (event: { data: { reasons: { code?: string | undefined }[] } }) =>
    event.data.reasons.map(({ code }) => code);

  it.each<[string, object]>([
    ['the same again', {}],
    ['another cost', { cost: { USD: 1 } }],
    ['another tool', { action: { ...SEND.action, tool: 'curl' } }],
    ['another effect', { action: { ...SEND.action, effect: 'write' } }],
    ['attributes that it did not have', { resource: { ...SEND.resource, attributes: { region: 'eu' } } }],
    ['another spelling of the verb', { action: { ...SEND.action, verb: 'HTTP.POST' } }],
  ])('it denies the call with %s', (_name, more) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    const denied = act(log, grantId, 'http.post', { ...SEND, ...more });
    expect([denied.type, codes(denied)]).toEqual(['ActionDenied', expect.arrayContaining(['REFUSED_BY_PERSON'])]);
  });

  it('it denies the same call to a child, and to a sibling that would not have been asked', () => {
    const log = new TestLog();
    const root = openTestRun(log, ROOMY);
    const asker = delegateTestRun(log, root.grantId, { risk: { ceiling: 'high', approvalFrom: 'high' } });
    refuse(log, asker.grantId);
    for (const { grantId } of [delegateTestRun(log, root.grantId), root])
      expect(act(log, grantId, 'http.post', SEND).type).toBe('ActionDenied');
  });

  it('it asks again after ten minutes, and a later approval counts above the refusal', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    log.now += LIMITS.refusalAppliesMs;
    const { approvalId } = only([act(log, grantId, 'http.post', SEND) as Event], 'ActionStepUp').data;
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionPermitted');
  });

  it('other arguments are another call, and are asked about', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    const other = { ...SEND, action: { ...SEND.action, argsDigest: `sha256:${'b'.repeat(64)}` } } as typeof SEND;
    expect(act(log, grantId, 'http.post', other).type).toBe('ActionStepUp');
  });

  it('it refuses an escalation and a root lease with the limits that a person has just refused', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log, WATCHED);
    const want = { budget: { calls: 500 } };
    const open = { agent: { class: 'w' }, principalRef: REF, purposeRef: REF, grant: ROOMY, requireApproval: true };
    for (const ask of [() => log.do('escalate', { runId, want }), () => log.do('openRun', open)]) {
      const { approvalId } = only(ask(), 'ApprovalRequested').data;
      log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN });
      log.now += 60_000;
      expect(only(ask(), 'Refused').data.code).toBe('REFUSED_BY_PERSON');
      log.now += LIMITS.refusalAppliesMs;
      expect(ask().map(({ type }) => type)).toContain('ApprovalRequested');
    }
  });

  it('a snapshot keeps what was refused', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    expect([...fromSnapshot(toSnapshot(log.state)).refusals]).toEqual([...log.state.refusals]);
  });
});

function drift(log: TestLog, runId: string, score: number): void {
  log.do('recordDrift', { runId, score, features: [], monitor: 'test', actor: { kind: 'system', id: 'intent' } });
}
