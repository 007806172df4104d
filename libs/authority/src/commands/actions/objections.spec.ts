import fc from 'fast-check';
import type { Event } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import { SEQUENCES, judgeBy } from '@bailiwick/trajectory/sequence-rules';
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

describe('an approval and the objections on its card', () => {
  it('permits the call without further objections', () => {
    const { log, grantId, approvalId } = approvedSend();
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionPermitted');
  });

  it('asks again if a sequence rule has objected since', () => {
    const { log, grantId, approvalId } = approvedSend();
    act(log, grantId, 'web.get', { action: { verb: 'web.get', effect: 'read' }, labels: ['untrusted'] });
    act(log, grantId, 'file.read', { labels: ['private'] });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionStepUp');
  });

  it('refuses to ask a person about a call without stated arguments', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    const call = {
      ...SEND,
      action: { verb: 'http.post', effect: 'external', risk: 'high', argsDigest: undefined } as const,
    };
    expect(act(log, grantId, 'http.post', call).type).not.toBe('ActionStepUp');
  });

  it('denies a call that a person has just refused, without asking again', () => {
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
    ['a stricter risk, stated later', () => call({ risk: 'irreversible' })],
    ['drift, recorded later', (log, _grantId, runId) => (drift(log, runId, 0.7), {})],
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
  it.each(added)('require a new approval for %s, and keep the old approval usable', (_name, more) => {
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

  it('replace a pending request with one that shows both objections', () => {
    const log = new TestLog(judgeBy(SEQUENCES));
    const { grantId } = openTestRun(log, WATCHED);
    const first = only([asked(log, grantId) as Event], 'ActionStepUp').data.approvalId;
    const second = only([asked(log, grantId, { drift: 'unavailable' }) as Event], 'ActionStepUp').data.approvalId;
    expect(log.state.approvals.get(first)?.status).toBe('expired');
    // alternating between them creates no third request
    expect(only([asked(log, grantId) as Event], 'ActionStepUp').data.approvalId).toBe(second);
    expect(log.state.approvals.get(second)?.objections).toHaveLength(2);
    expect([...log.state.approvals.values()].filter(({ status }) => status === 'pending')).toHaveLength(1);
  });

  it('are none for an approval of an older log, which does not record its card', () => {
    const { log, grantId, approvalId } = approvedSend();
    Object.assign(log.state.approvals.get(approvalId) as object, { objections: undefined, asks: undefined });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionStepUp');
  });

  it('do not include a later denial', () => {
    const { log, grantId, approvalId } = approvedSend();
    act(log, grantId, 'file.read', { labels: ['read:secret'] });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionDenied');
  });

  it('are monotone: an additional objection never leads to a permit, and a permit needs every objection on the card', () => {
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

describe('a call that a person has refused', () => {
  const refuse = (log: TestLog, grantId: string, more: object = {}) => {
    const { approvalId } = only([act(log, grantId, 'http.post', { ...SEND, ...more }) as Event], 'ActionStepUp').data;
    log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN });
    return approvalId;
  };
  const codes = (event: { data: { reasons: { code?: string | undefined }[] } }) =>
    event.data.reasons.map(({ code }) => code);

  it.each<[string, object]>([
    ['the same call', {}],
    ['another cost', { cost: { USD: 1 } }],
    ['another tool', { action: { ...SEND.action, tool: 'curl' } }],
    ['another effect', { action: { ...SEND.action, effect: 'write' } }],
    ['additional attributes', { resource: { ...SEND.resource, attributes: { region: 'eu' } } }],
    ['another spelling of the verb', { action: { ...SEND.action, verb: 'HTTP.POST' } }],
  ])('is denied again with %s', (_name, more) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    const denied = act(log, grantId, 'http.post', { ...SEND, ...more });
    expect([denied.type, codes(denied)]).toEqual(['ActionDenied', expect.arrayContaining(['REFUSED_BY_PERSON'])]);
  });

  it('is denied to a child, and to a sibling that would have been permitted', () => {
    const log = new TestLog();
    const root = openTestRun(log, ROOMY);
    const asker = delegateTestRun(log, root.grantId, { risk: { ceiling: 'high', approvalFrom: 'high' } });
    refuse(log, asker.grantId);
    for (const { grantId } of [delegateTestRun(log, root.grantId), root])
      expect(act(log, grantId, 'http.post', SEND).type).toBe('ActionDenied');
  });

  it('may be asked about after ten minutes, and a later approval overrides the refusal', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    log.now += LIMITS.refusalAppliesMs;
    const { approvalId } = only([act(log, grantId, 'http.post', SEND) as Event], 'ActionStepUp').data;
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN });
    expect(act(log, grantId, 'http.post', { ...SEND, approvalId }).type).toBe('ActionPermitted');
  });

  it('is another call with other arguments, which may be asked about', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    const other = { ...SEND, action: { ...SEND.action, argsDigest: `sha256:${'b'.repeat(64)}` } } as typeof SEND;
    expect(act(log, grantId, 'http.post', other).type).toBe('ActionStepUp');
  });

  it('has its counterpart in escalations and root leases, whose limits are refused again', () => {
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

  it('is preserved in a snapshot', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    refuse(log, grantId);
    expect([...fromSnapshot(toSnapshot(log.state)).refusals]).toEqual([...log.state.refusals]);
  });
});

function drift(log: TestLog, runId: string, score: number): void {
  log.do('recordDrift', { runId, score, features: [], monitor: 'test', actor: { kind: 'system', id: 'intent' } });
}
