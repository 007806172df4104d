import { EFFECTS, MODES, type Limits } from '@bailiwick/contracts/grants/grant';
import { STAGES } from '@bailiwick/contracts/policy/catalog-entry';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog, only } from '../testing/harness';
import { facts, NOW, situation, verdictText } from '../testing/facts';
import { actions } from './actions';
import { attenuatesAll, describeAll, meetAll } from './all';
import { readsStages } from './stages';

/** Issues a lease as a release did whose modes read no stages. */
function formerLease(log: TestLog, mode: 'draft' | 'propose', permissions?: Limits['permissions']): string {
  const opened = log.do('openRun', {
    agent: { class: 'worker' },
    principalRef: 'ref_00000000000000000000000000',
    purposeRef: 'ref_00000000000000000000000000',
    grant: { ...ROOMY, actions: { allow: ['*'], mode } },
  });
  const { grantId } = only(opened, 'GrantIssued');
  const grant = log.state.grants.get(grantId as string);
  if (!grant) throw new Error('no grant');
  const { stages: _stages, ...former } = grant.limits.actions;
  Object.assign(grant, { limits: { ...grant.limits, actions: former, ...(permissions ? { permissions } : {}) } });
  return grantId as string;
}

const lease = (log: TestLog, mode: 'draft' | 'propose' | 'execute'): string =>
  openTestRun(log, { ...ROOMY, actions: { allow: ['*'], mode } }).grantId;

const outcome = (log: TestLog, grantId: string, verb: string, more = {}): string =>
  ({ ActionPermitted: 'permit', ActionStepUp: 'ask', ActionDenied: 'deny' })[act(log, grantId, verb, more).type];

describe('the modes of a lease', () => {
  it.each<[verb: string, draft: string, propose: string, execute: string]>([
    ['email.read', 'permit', 'permit', 'permit'],
    ['email.draft', 'permit', 'permit', 'permit'],
    ['create_draft', 'permit', 'permit', 'permit'],
    ['pull_request.create', 'deny', 'permit', 'permit'],
    ['email.send', 'deny', 'ask', 'permit'],
    ['file.write', 'deny', 'ask', 'permit'],
    ['flub.wobble', 'deny', 'ask', 'permit'],
  ])('decide %s by its stage: draft %s, propose %s, execute %s', (verb, ...expected) => {
    const log = new TestLog();
    expect(MODES.map((mode) => outcome(log, lease(log, mode), verb))).toEqual(expected);
  });

  it('admit each stage up to their own, and every read', () => {
    for (const [i, mode] of MODES.entries())
      for (const [k, stage] of STAGES.entries())
        for (const effect of EFFECTS) {
          const limit = { allow: ['**'], deny: [], mode };
          const isAdmitted = effect === 'read' || k <= i || mode === 'execute';
          const verdict = verdictText(actions.admits(limit, facts({ effect, stage }), situation(), NOW));
          const otherwise = mode === 'propose' ? 'step-up MODE_PROPOSES' : 'deny MODE_TOO_LOW';
          expect([mode, stage, effect, verdict]).toEqual([mode, stage, effect, isAdmitted ? 'permit' : otherwise]);
        }
  });

  it('deny a draft of which the caller states that it sends, pays or executes something', () => {
    const log = new TestLog();
    const grantId = lease(log, 'draft');
    for (const label of ['may:send', 'may:exec', 'pays', 'send:external', 'exec:shell'])
      expect([label, outcome(log, grantId, 'email.draft', { labels: [label] })]).toEqual([label, 'deny']);
    expect(outcome(log, grantId, 'email.draft', { action: { verb: 'email.draft', effect: 'external' } })).toBe('deny');
    expect(outcome(log, grantId, 'email.draft', { labels: ['private'] })).toBe('permit');
  });

  it('are recorded with the stage of a draft, so that a replay decides alike', () => {
    const log = new TestLog();
    const grantId = lease(log, 'draft');
    expect(act(log, grantId, 'email.draft').data).toMatchObject({ effect: 'write', stage: 'draft' });
    expect(act(log, grantId, 'email.read').data).not.toHaveProperty('stage');
    expect(act(log, grantId, 'file.write').data).not.toHaveProperty('stage');
  });
});

describe('a lease that an earlier release issued', () => {
  it.each(['draft', 'propose'] as const)('in mode %s gains no drafts and no proposals', (mode) => {
    const log = new TestLog();
    const former = formerLease(log, mode);
    const otherwise = mode === 'draft' ? 'deny' : 'ask';
    expect(outcome(log, former, 'email.read')).toBe('permit');
    expect(outcome(log, former, 'email.draft')).toBe(otherwise);
    expect(outcome(log, former, 'pull_request.create')).toBe(otherwise);
  });

  it('passes no drafts on to leases below it, or to itself when it is narrowed or renewed', () => {
    const log = new TestLog();
    const former = formerLease(log, 'draft');
    const child = delegateTestRun(log, former).grantId;
    expect(log.state.grants.get(child)?.limits.actions.stages).toBeUndefined();
    expect(outcome(log, child, 'email.draft')).toBe('deny');
    log.do('narrow', { grantId: former, grant: { budget: { calls: 50 } } });
    expect(outcome(log, former, 'email.draft')).toBe('deny');
  });

  it('is exceeded by a forged lease below it whose modes read stages (I1)', () => {
    const log = new TestLog();
    const former = log.state.grants.get(formerLease(log, 'draft'))?.limits as Limits;
    const forged = { ...former, actions: { ...former.actions, stages: true as const } };
    expect(attenuatesAll(forged, former).map(({ path }) => path)).toContain('actions.stages');
    expect(readsStages(meetAll(forged, former))).toBe(false);
  });

  it('with a draft entry among its permissions gains none in it', () => {
    const log = new TestLog();
    const entries: Limits['permissions'] = [
      { actions: ['email.*'], resources: [{ type: '*', match: '**' }], mode: 'draft' },
    ];
    const former = formerLease(log, 'propose', entries);
    Object.assign(log.state.grants.get(former) ?? {}, {
      limits: {
        ...log.state.grants.get(former)?.limits,
        actions: { allow: ['**'], deny: [], mode: 'execute' },
      },
    });
    expect(outcome(log, former, 'email.read')).toBe('permit');
    expect(outcome(log, former, 'email.draft')).toBe('deny');
  });

  it('is described as it is', () => {
    const log = new TestLog();
    const text = (grantId: string) =>
      describeAll(log.state.grants.get(grantId)?.limits as Limits).find(({ dimension }) => dimension === 'actions')
        ?.text;
    expect(text(formerLease(log, 'draft'))).toBe('may use *, only to read');
    expect(text(lease(log, 'draft'))).toBe('may use *, only to read and to draft');
  });
});
