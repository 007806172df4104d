import type { Obligation, ScopedObligation } from '@bailiwick/contracts/obligations/obligation';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { answerOf } from '../presentation/responses';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { stateDigest } from '../state/digest';
import { act, delegateTestRun, only, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { deploy, manifests } from '../testing/policies';

const REMOVE: Obligation = { kind: 'remove_fields', fields: ['/attendees/*/email'] };
const ROWS = (rows: number): Obligation => ({ kind: 'max_rows', rows });
const MARK: Obligation = { kind: 'watermark', text: 'internal' };

const opened = (log: TestLog, obligations: ScopedObligation[], more = {}): string =>
  openTestRun(log, { ...ROOMY, obligations, ...more }).grantId;
const answer = (log: TestLog, event: ReturnType<typeof act>) => {
  const answered = answerOf(log.state, [event], {
    run: () => {
      throw new Error('no texts');
    },
    approval: () => undefined,
  });
  return answered.ok ? (answered.value as { decision: string; obligations: unknown[] }) : undefined;
};
const bundle = (over: PolicyBundle): PolicyBundle => ({
  catalog: [{ match: ['file.read'], effects: ['read'], risk: 'low' }],
  ...over,
});
const RULE = {
  name: 'one-by-one',
  on: { effects: ['read' as const] },
  when: { formerly: { effects: ['read' as const], within: '1h' } },
  outcome: 'note' as const,
  says: 'a file was read before',
  obligations: [MARK],
  examples: { fires: [[{}, {}]], silent: [[{}]] },
};

describe('the obligations of a lease', () => {
  it('are recorded with a permit and answered with it, in addition to the duty to report', () => {
    const log = new TestLog();
    const permit = act(log, opened(log, [ROWS(50), REMOVE]), 'calendar.read');
    expect(permit.type).toBe('ActionPermitted');
    expect(permit.data.obligations).toEqual([REMOVE, ROWS(50)]);
    expect(answer(log, permit)).toMatchObject({
      decision: 'permit',
      obligations: ['report-outcome', REMOVE, ROWS(50)],
    });
  });

  it('are left out of a permit for other verbs, and of a denial', () => {
    const log = new TestLog();
    const grantId = opened(log, [{ ...REMOVE, actions: ['Calendar.*'] }], { actions: { allow: ['*.read'] } });
    expect(act(log, grantId, 'calendar.read').data.obligations).toEqual([REMOVE]);
    expect(act(log, grantId, 'file.read').data.obligations).toBeUndefined();
    const denied = act(log, grantId, 'calendar.delete');
    expect([denied.type, denied.data.obligations]).toEqual(['ActionDenied', undefined]);
    expect(answer(log, denied)?.obligations).toEqual([]);
  });

  it('are those of every lease of the chain, the stricter of two of one kind', () => {
    const log = new TestLog();
    const root = opened(log, [ROWS(50), REMOVE, MARK]);
    const child = delegateTestRun(log, root, {
      obligations: [ROWS(80), { kind: 'remove_fields', fields: ['/notes'] }, { kind: 'watermark', text: 'copy' }],
    }).grantId;
    const permit = act(log, child, 'calendar.read');
    expect(permit.data.obligations).toEqual([
      { kind: 'remove_fields', fields: ['/attendees/*/email', '/notes'] },
      ROWS(50),
      { kind: 'watermark', text: 'copy' },
      MARK,
    ]);
    const limits = log.state.grants.get(child)?.limits;
    expect(limits?.obligations).toEqual(permit.data.obligations);
  });

  it('are recorded with a request for approval, whose approval permits with them', () => {
    const log = new TestLog();
    const grantId = opened(log, [MARK], { actions: { allow: ['*'], mode: 'propose' } });
    const asked = act(log, grantId, 'file.delete');
    expect([asked.type, asked.data.obligations]).toEqual(['ActionStepUp', [MARK]]);
    const { approvalId } = asked.data;
    log.do('decideApproval', {
      approvalId: approvalId as string,
      verdict: 'approve',
      actor: { kind: 'person', id: 'person:ann' },
    });
    const permit = act(log, grantId, 'file.delete', { approvalId: approvalId as string });
    expect([permit.type, permit.data.obligations]).toEqual(['ActionPermitted', [MARK]]);
  });

  it('stay when the lease is narrowed, raised or delegated without naming them', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, { ...ROOMY, obligations: [MARK] });
    log.do('narrow', { grantId, grant: { obligations: [ROWS(5)] } });
    expect(log.state.grants.get(grantId)?.limits.obligations).toEqual([ROWS(5), MARK]);
    const asked = only(log.do('escalate', { runId, want: { budget: { calls: 200 } } }), 'ApprovalRequested');
    expect(asked.data.limits?.obligations).toEqual([ROWS(5), MARK]);
  });

  it('cannot be lifted by a narrowing, and are kept by every snapshot', () => {
    const log = new TestLog();
    const grantId = opened(log, [ROWS(5)]);
    const wider = log.try('narrow', { grantId, grant: { obligations: [ROWS(9)] } });
    expect(wider).toMatchObject({ refusal: { code: 'CONFLICT' } });
    const again = fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(log.state))) as never);
    expect(again.grants.get(grantId)?.limits.obligations).toEqual([ROWS(5)]);
    expect(stateDigest(again)).toBe(stateDigest(log.state));
  });
});

describe('the obligations of a policy', () => {
  it.each<[string, PolicyBundle, Obligation[]]>([
    [
      'the entry of the verb',
      bundle({ catalog: [{ match: ['file.read'], effects: ['read'], risk: 'low', obligations: [REMOVE] }] }),
      [REMOVE],
    ],
    [
      'the entries of the tool and of its verb',
      bundle({
        catalog: [
          { match: ['file.read'], effects: ['read'], risk: 'low', obligations: [ROWS(9)] },
          { tools: ['reader'], verb: 'file.read', effects: ['read'], risk: 'low', obligations: [ROWS(7)] },
        ],
      }),
      [ROWS(7)],
    ],
    [
      'the manifest of the class',
      bundle(manifests({ class: '*' }, { class: 'helper', obligations: [{ ...MARK, actions: ['file.*'] }] })),
      [MARK],
    ],
    [
      'the manifest of an ancestor',
      bundle(manifests({ class: '*' }, { class: 'worker', obligations: [ROWS(3)] })),
      [ROWS(3)],
    ],
  ])('of %s apply to leases that exist already', (_, deployed, expected) => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = delegateTestRun(log, openTestRun(log).grantId);
    expect(act(log, grantId, 'file.read').data.obligations).toBeUndefined();
    deploy(log, deployed);
    const permit = act(log, grantId, 'file.read', { action: { verb: 'file.read', tool: 'reader' } });
    expect([permit.type, permit.data.obligations]).toEqual(['ActionPermitted', expected]);
  });

  it('of a rule apply once it fires, and its reason is the note of the rule', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    deploy(log, bundle({ rules: [RULE] }));
    expect(act(log, grantId, 'file.read').data.obligations).toBeUndefined();
    const permit = act(log, grantId, 'file.read');
    expect(permit.type).toBe('ActionPermitted');
    expect(permit.data.obligations).toEqual([MARK]);
    expect(permit.data.reasons).toEqual([expect.objectContaining({ code: 'POLICY_RULE', outcome: 'permit' })]);
    expect(permit.data.reasons[0]).not.toHaveProperty('obligations');
  });
});

describe('an enforcement point that states what it applies', () => {
  it('is denied a permit with another obligation, and nothing is charged', () => {
    const log = new TestLog();
    const grantId = opened(log, [ROWS(50), { kind: 'custom', name: 'keep-in-eu' }]);
    const denied = act(log, grantId, 'file.read', { understands: ['max_rows', 'redact'] });
    expect(denied.type).toBe('ActionDenied');
    expect(denied.data).toMatchObject({
      understands: ['max_rows', 'redact'],
      reasons: [{ rule: 'obligations', code: 'OBLIGATION_NOT_UNDERSTOOD', limit: ['custom:keep-in-eu'] }],
    });
    expect(log.state.grants.get(grantId)?.usage.reserved.calls).toBe(0);
    const permit = act(log, grantId, 'file.read', { understands: ['custom:keep-in-eu', 'max_rows'] });
    expect(permit.type).toBe('ActionPermitted');
  });

  it('is denied at once where a person would be asked', () => {
    const log = new TestLog();
    const grantId = opened(log, [MARK], { actions: { allow: ['*'], mode: 'propose' } });
    expect(act(log, grantId, 'file.delete', { understands: [] }).type).toBe('ActionDenied');
  });

  it('gets the same permit without obligations', () => {
    const log = new TestLog();
    expect(act(log, openTestRun(log).grantId, 'file.read', { understands: [] }).type).toBe('ActionPermitted');
  });
});

describe('obligations beyond what a permit can state', () => {
  const many = (from: number): ScopedObligation[] =>
    Array.from({ length: 20 }, (_, i) => ({ kind: 'custom', name: `duty-${from + i}` }));

  it('are a denial', () => {
    const log = new TestLog();
    const grantId = opened(log, many(0));
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    deploy(log, manifests({ class: '*', obligations: many(100) }));
    const denied = act(log, grantId, 'file.read');
    expect([denied.type, denied.data.reasons.map(({ code }) => code)]).toEqual([
      'ActionDenied',
      ['OBLIGATIONS_UNCLEAR'],
    ]);
  });

  it('are refused in a lease', () => {
    const log = new TestLog();
    const long = {
      kind: 'remove_fields' as const,
      fields: Array.from({ length: 60 }, (_, i) => `/${'x'.repeat(90)}${i}`),
    };
    const parent = opened(log, many(0));
    const events = log.do('delegate', {
      grantId: parent,
      agent: { class: 'helper' },
      purposeRef: 'ref_00000000000000000000000000',
      grant: { obligations: many(50) },
    });
    expect(events[0]?.type).toBe('Refused');
    const refused = log.do('openRun', {
      agent: { class: 'worker' },
      principalRef: 'ref_00000000000000000000000000',
      purposeRef: 'ref_00000000000000000000000000',
      grant: { ...ROOMY, obligations: [long] },
    });
    expect(refused).toEqual([expect.objectContaining({ type: 'Refused' })]);
  });
});
