import fc from 'fast-check';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, delegateTestRun, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';

fc.configureGlobal({ seed: 20260113 });

const SECRET = { resource: { type: 'file', id: 'config/.env' } };
const PERSON = { kind: 'person', id: 'ref_person', role: 'approver' } as const;
const HIGH: GrantRequest = {
  ...ROOMY,
  budget: { ...ROOMY.budget, calls: 5_000, reads: 5_000, external: 5_000 },
  risk: { ceiling: 'high', approvalFrom: 'irreversible' },
};

function start(grant: GrantRequest = HIGH): { log: TestLog; grantId: string } {
  const log = new TestLog(judgeTrajectory);
  return { log, grantId: openTestRun(log, grant).grantId };
}

const permitted = (log: TestLog, grantId: string, verb: string, more: object = {}): string => {
  const decided = act(log, grantId, verb, more);
  expect(decided.type).toBe('ActionPermitted');
  return decided.actionId as string;
};
const report = (log: TestLog, actionId: string, labels?: string[], status: 'completed' | 'failed' = 'completed') =>
  log.do('settle', { actionId, outcome: { status, ...(labels ? { labels } : {}) } });

type Way = (log: TestLog, grantId: string) => () => unknown;
const WAYS: [string, Way][] = [
  [
    'an outcome that completed',
    (log, grantId) => {
      const id = permitted(log, grantId, 'file.read');
      return () => report(log, id, ['read:secret']);
    },
  ],
  [
    'an outcome that failed',
    (log, grantId) => {
      const id = permitted(log, grantId, 'file.read');
      return () => report(log, id, ['read:secret'], 'failed');
    },
  ],
  [
    'the outcome of a child',
    (log, grantId) => {
      const id = permitted(log, delegateTestRun(log, grantId).grantId, 'file.read');
      return () => report(log, id, ['other', 'read:secret']);
    },
  ],
  [
    'the outcome that a run reports for itself',
    (log, grantId) => {
      const child = delegateTestRun(log, grantId);
      const actionId = permitted(log, child.grantId, 'file.read');
      const outcome = { status: 'completed' as const, labels: ['read:secret'] };
      return () => log.do('settle', { actionId, outcome, actor: { kind: 'run', id: child.runId } });
    },
  ],
  [
    'the outcome of another send',
    (log, grantId) => {
      const id = permitted(log, grantId, 'email.send');
      return () => report(log, id, ['read:secret']);
    },
  ],
];

const open = (log: TestLog): string[] => [...log.state.actions.keys()];

describe('a permit to send that has not started when its tree reads a secret', () => {
  describe.each(WAYS)('by %s', (_name, way) => {
    it.each(['email.send', 'web.post', 'never.heard', 'web.get'])('ends in the same append, as %s', (verb) => {
      const { log, grantId } = start();
      const learn = way(log, grantId);
      const elsewhere = delegateTestRun(log, grantId).grantId;
      const sent = [permitted(log, elsewhere, verb), permitted(log, grantId, verb)];
      const reading = permitted(log, grantId, 'file.read');
      learn();
      const ended = log.events.filter(({ type }) => type === 'ActionAbandoned');
      expect(ended.map(({ actionId }) => actionId)).toEqual(sent);
      expect(open(log)).toContain(reading);
      expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    });
  });

  it('ends by a late report that carries the label', () => {
    const { log, grantId } = start();
    const id = permitted(log, grantId, 'file.read');
    log.now = log.state.actions.get(id)?.outcomeUntil ?? 0;
    log.tickAll();
    const sent = permitted(log, grantId, 'email.send');
    const events = report(log, id, ['read:secret']);
    expect(events.map(({ type, actionId }) => [type, actionId])).toEqual([
      ['OutcomeReportedLate', id],
      ['ActionAbandoned', sent],
    ]);
  });

  it('ends when a person approves the read although it may send', () => {
    const { log, grantId } = start();
    const sent = permitted(log, grantId, 'never.heard');
    const asked = act(log, grantId, 'file.read', SECRET);
    const { approvalId } = asked.data as { approvalId: string };
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON, by: PERSON.id } as never);
    const read = permitted(log, grantId, 'file.read', { ...SECRET, approvalId });
    expect(open(log)).toEqual([read]);
    expect(only(log.events, 'ActionAbandoned').actionId).toBe(sent);
  });

  it('has its effects recorded as a late report', () => {
    const { log, grantId } = start();
    const sent = permitted(log, grantId, 'email.send', { cost: { USD: 5 } });
    report(log, permitted(log, grantId, 'file.read'), ['read:secret']);
    const spent = log.state.grants.get(grantId)?.usage;
    expect([spent?.committed.cost, spent?.reserved.cost]).toEqual([{ USD: 5 }, {}]);
    expect(report(log, sent).map(({ type }) => type)).toEqual(['OutcomeReportedLate']);
  });

  it('ends a lease whose money it uses up exactly once, however many permits end together', () => {
    const { log, grantId } = start({ ...HIGH, budget: { ...HIGH.budget, cost: { USD: 20 } } });
    const child = delegateTestRun(log, grantId, { budget: { calls: 20, external: 20, cost: { USD: 10 } } }).grantId;
    for (const cost of [4, 6]) permitted(log, child, 'email.send', { cost: { USD: cost } });
    permitted(log, grantId, 'email.send', { cost: { USD: 6 } });
    const read = permitted(log, grantId, 'file.read', { cost: { USD: 4 } });
    const events = report(log, read, ['read:secret']);
    expect(events.map(({ type, grantId: of }) => [type, of === child ? 'child' : 'root'])).toEqual([
      ['ActionCompleted', 'root'],
      ['ActionAbandoned', 'child'],
      ['ActionAbandoned', 'child'],
      ['GrantExhausted', 'child'],
      ['ActionAbandoned', 'root'],
      ['GrantExhausted', 'root'],
    ]);
  });

  it('stays if its start time has passed, if it belongs to another tree, or if the secret was read before', () => {
    const { log, grantId } = start();
    const other = openTestRun(log, HIGH).grantId;
    const reads = [permitted(log, grantId, 'file.read'), permitted(log, grantId, 'file.read')];
    const started = permitted(log, grantId, 'email.send');
    log.now += LIMITS.permitMs;
    const elsewhere = permitted(log, other, 'email.send');
    report(log, reads[0] as string, ['read:secret']);
    report(log, reads[1] as string, ['read:secret']);
    expect(open(log)).toEqual([started, elsewhere]);
  });

  it('is one of at most the number that one append can end', () => {
    const { log, grantId } = start();
    const children = [1, 2].map(() => delegateTestRun(log, grantId, { budget: { calls: 900, external: 900 } }).grantId);
    for (const child of children)
      for (let i = 0; i < LIMITS.sendingPerTree / 2; i++) permitted(log, child, 'email.send');
    const more = act(log, children[0] as string, 'email.send');
    expect(more.data.reasons).toMatchObject([{ code: 'TOO_MANY_IN_FLIGHT', limit: LIMITS.sendingPerTree }]);
    const events = report(log, permitted(log, grantId, 'file.read'), ['read:secret']);
    expect(events).toHaveLength(1 + LIMITS.sendingPerTree);
    expect(events.length).toBeLessThan(LIMITS.appendBatchEvents);
  });

  it('is never usable after its tree has read a secret, whatever the order of commands (property)', () => {
    const step = fc.record({
      kind: fc.constantFrom('act', 'act', 'act', 'settle', 'settle', 'approve', 'wait', 'delegate', 'tick'),
      n: fc.nat(20),
      verb: fc.constantFrom('email.send', 'never.heard', 'web.get', 'file.read', 'file.write'),
      secret: fc.nat(3).map((n) => n === 0),
      labels: fc.subarray(['read:secret', 'private', 'untrusted', 'x']),
      own: fc.boolean(),
    });
    let [met, ended] = [0, 0];
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) => {
        const { log, grantId } = start();
        const grants = [grantId, openTestRun(log, HIGH).grantId];
        for (const { kind, n, verb, secret, labels, own } of steps) {
          const grant = grants[n % grants.length] as string;
          const approvals = [...log.state.approvals.values()];
          if (kind === 'wait') log.now += n * 1_000;
          if (kind === 'tick') log.tickAll();
          if (kind === 'delegate' && grants.length < 3) grants.push(delegateTestRun(log, grantId).grantId);
          if (kind === 'approve' && approvals.length > 0)
            log.try('decideApproval', {
              approvalId: approvals[n % approvals.length]?.id,
              verdict: 'approve',
              actor: PERSON,
            } as never);
          const usable = approvals.find(({ status }) => status === 'approved');
          if (kind === 'act')
            act(log, usable?.grantId ?? grant, verb, {
              ...(secret ? SECRET : {}),
              ...(usable ? { approvalId: usable.id } : {}),
            });
          const known = [...log.events.filter(({ type }) => type === 'ActionPermitted')];
          const of = known[n % Math.max(1, known.length)];
          if (kind === 'settle' && of)
            log.try('settle', {
              actionId: of.actionId as string,
              outcome: { status: 'completed', labels },
              ...(own ? { actor: { kind: 'run', id: of.runId as string } } : {}),
            });
          for (const { labels: first, sending } of log.state.trees.values()) {
            const learnt = first['read:secret']?.position;
            if (learnt === undefined) continue;
            met += 1;
            expect(sending.filter((each) => each.position < learnt && log.now < each.expiresAt)).toEqual([]);
          }
        }
        ended += log.events.filter(({ type, commandId }, i) => {
          const before = log.events[i - 1];
          return type === 'ActionAbandoned' && before?.commandId === commandId;
        }).length;
        expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
      }),
      { numRuns: 500 },
    );
    expect(met).toBeGreaterThan(100);
    expect(ended).toBeGreaterThan(20);
  });
});
