import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { policyRule, type Formula, type PolicyRule, type StepMatcher } from '@bailiwick/contracts/policy/rule';
import type { Reason } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import { evolve } from '../../events/evolve';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { emptyState } from '../../state/state';
import { act, delegateTestRun, only, openTestRun, TestLog, type Fields } from '../../testing/harness';
import { deploy, tryDeploy } from '../../testing/policies';

let log: TestLog;
beforeEach(() => {
  log = new TestLog(judgeTrajectory);
});

const EXAMPLES = { fires: [[{}]], silent: [[{}]] };
const rule = (name: string, on: StepMatcher, when: Formula, outcome: PolicyRule['outcome'] = 'deny'): PolicyRule => ({
  name,
  on,
  when,
  outcome,
  says: `${name} objects`,
  examples: EXAMPLES,
});
const bundle = (...rules: PolicyRule[]): PolicyBundle => ({ rules });
const READS: StepMatcher = { effects: ['read'] };
const THIRD_READ = { count_within: { effects: ['read'], within: '10m', at_least: 3 } } satisfies Formula;

const read = (grantId: string, id = 'a', more: Partial<Fields<'authorize'>> = {}) =>
  act(log, grantId, 'file.read', { resource: { type: 'file', id }, ...more });
const reasonsOf = (decision: { data: { reasons: Reason[] } }) =>
  decision.data.reasons.filter(({ rule: of }) => of === 'trajectory');

describe('the rules of a deployed bundle', () => {
  it('deny an action by the past of the whole tree, and name their rule', () => {
    deploy(log, bundle(rule('three-reads', READS, THIRD_READ)));
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId);
    const other = openTestRun(log);
    const decisions = [read(root.grantId), read(child.grantId), read(other.grantId), read(child.grantId)];
    expect(decisions.map(({ type }) => type)).toEqual([
      'ActionPermitted',
      'ActionPermitted',
      'ActionPermitted',
      'ActionDenied',
    ]);
    expect(reasonsOf(decisions[3] as never)).toEqual([
      {
        rule: 'trajectory',
        outcome: 'deny',
        code: 'POLICY_RULE',
        message: 'three-reads objects (rule three-reads)',
        path: 'rules.three-reads',
        actual: 'three-reads',
      },
    ]);
  });

  it('take the time of a window from the events', () => {
    deploy(log, bundle(rule('three-reads', READS, THIRD_READ)));
    const { grantId } = openTestRun(log, { ...ROOMY_FOR_AN_HOUR });
    read(grantId);
    read(grantId);
    log.now += 11 * 60_000;
    expect(read(grantId).type).toBe('ActionPermitted');
    expect(read(grantId).type).toBe('ActionPermitted');
    expect(read(grantId).type).toBe('ActionDenied');
  });

  it('note an action without changing its decision, also if it is denied for another reason', () => {
    deploy(log, bundle(rule('noted', READS, { never: { labels: ['x'] } }, 'note')));
    const { grantId } = openTestRun(log, { actions: { allow: ['file.read'] } });
    expect(reasonsOf(read(grantId)).map(({ outcome }) => outcome)).toEqual(['permit']);
    const denied = act(log, grantId, 'file.list');
    expect([denied.type, reasonsOf(denied).map(({ outcome }) => outcome)]).toEqual(['ActionDenied', ['permit']]);
  });

  it('ask a person, whose approval covers the rule that its card showed', () => {
    deploy(log, bundle(rule('asked', READS, THIRD_READ, 'ask')));
    const { grantId } = openTestRun(log);
    read(grantId);
    read(grantId);
    const asked = read(grantId);
    expect(asked.type).toBe('ActionStepUp');
    const { approvalId } = asked.data as { approvalId: string };
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: { kind: 'person', id: 'person:ann' } });
    expect(read(grantId, 'a', { approvalId }).type).toBe('ActionPermitted');
  });

  it('suspend the lease of the run by the same append, which only a person resumes', () => {
    deploy(log, bundle(rule('stopped', READS, THIRD_READ, 'suspend')));
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId);
    read(child.grantId);
    read(child.grantId);
    const actor = { kind: 'run' as const, id: child.runId };
    const events = log.do('authorize', {
      grantId: child.grantId,
      action: { verb: 'file.read' },
      resource: { type: 'file', id: 'a' },
      proof: { vouched: false },
      actor,
    });
    expect(events.map(({ type }) => type)).toEqual(['ActionDenied', 'GrantSuspended']);
    expect(only(events, 'GrantSuspended')).toMatchObject({
      grantId: child.grantId,
      data: { reason: { code: 'POLICY_RULE', says: 'stopped objects (rule stopped)' } },
    });
    expect(reasonsOf(only(events, 'ActionDenied'))).toMatchObject([{ suspends: true }]);
    expect(only(log.do('resume', { grantId: child.grantId, reasonCode: 'X', actor }), 'Refused').data.code).toBe(
      'FORBIDDEN',
    );
    // it is suspended once, and the lease above it stays live
    expect(log.do('authorize', callOf(child.grantId)).map(({ type }) => type)).toEqual(['ActionDenied']);
    expect(log.state.grants.get(root.grantId)?.status).toBe('active');
  });

  it('judge what a service does for a caller on the tree of the caller, too', () => {
    const reads = { ...READS, any_label: ['private'] };
    deploy(log, bundle(rule('private-twice', reads, { count_within: { ...reads, within: '1h', at_least: 2 } })));
    const caller = openTestRun(log);
    const labels = ['private'];
    const calls = [0, 1].map(() => {
      const call = act(log, caller.grantId, 'agent.call', { resource: { type: 'agent', id: 'worker' } });
      const service = openTestRun(log);
      return read(service.grantId, 'a', { labels, onBehalfOf: { actionId: call.actionId as string } });
    });
    expect(calls.map(({ type }) => type)).toEqual(['ActionPermitted', 'ActionDenied']);
    expect(read(caller.grantId, 'a', { labels }).type).toBe('ActionDenied');
  });

  it('see denials, delegations, refusals of authority and of a person', () => {
    const formerly = (kind: string, more = {}): Formula => ({ formerly: { kind, ...more } }) as Formula;
    deploy(
      log,
      bundle(
        ...['denied', 'delegated', 'authority-refused'].map((kind) => rule(kind, READS, formerly(kind), 'note')),
        rule('refused', READS, formerly('person-refused', { verbs: ['shell.*'], resource: { match: 'a/*' } }), 'note'),
        rule('untrusted-result', READS, formerly('result', { labels: ['untrusted'] }), 'note'),
      ),
    );
    const { grantId } = openTestRun(log, { ...ROOMY_FOR_AN_HOUR, risk: { ceiling: 'high', approvalFrom: 'high' } });
    const noted = () => reasonsOf(read(grantId)).map(({ actual }) => actual);
    expect(noted()).toEqual([]);
    delegateTestRun(log, grantId);
    expect(noted()).toEqual(['delegated']);
    const { actionId } = read(grantId);
    log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', labels: ['untrusted'] } });
    expect(noted()).toContain('untrusted-result');
    const asked = act(log, grantId, 'shell.run');
    const { approvalId } = asked.data as { approvalId: string };
    log.do('decideApproval', { approvalId, verdict: 'deny', actor: { kind: 'person', id: 'person:ann' } });
    expect(noted()).toContain('refused');
    expect(act(log, grantId, 'shell.run').type).toBe('ActionDenied');
    expect(noted()).toContain('denied');
    log.try('delegate', {
      grantId,
      agent: { class: 'helper' },
      purposeRef: `ref_${'0'.repeat(26)}`,
      grant: { budget: { calls: 100_000 } },
    });
    expect(noted()).toContain('authority-refused');
  });

  it('are part of the snapshot and the digest, and forgotten with their tree', () => {
    deploy(log, bundle(rule('three-reads', READS, THIRD_READ)));
    const { grantId, runId, treeId } = openTestRun(log);
    const settled = () =>
      log.do('settle', { actionId: read(grantId).actionId as string, outcome: { status: 'completed' } });
    settled();
    const before = stateDigest(log.state);
    settled();
    const restored = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(restored)).toBe(stateDigest(log.state));
    expect(stateDigest(restored)).not.toBe(before);
    expect(restored.trees.get(treeId)?.kept).toEqual(log.state.trees.get(treeId)?.kept);
    const refolded = emptyState('default/0', 'default', 0);
    for (const event of log.events) evolve(refolded, event);
    expect(stateDigest(refolded)).toBe(stateDigest(log.state));
    log.do('completeRun', { runId });
    log.now += LIMITS.endedKeptMs + 2_000;
    openTestRun(log);
    expect(log.state.trees.has(treeId)).toBe(false);
  });
});

const ROOMY_FOR_AN_HOUR = {
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 100, reads: 100, writes: 100, external: 100 },
  delegation: { depth: 3, children: 10, classes: ['*'] },
  time: { ttl: '1h' },
};
const callOf = (grantId: string): Fields<'authorize'> => ({
  grantId,
  action: { verb: 'file.read' },
  resource: { type: 'file', id: 'a' },
  proof: { vouched: true },
});

describe('a deployment of rules', () => {
  const three = rule('three-reads', READS, THIRD_READ);

  it('keeps what a rule of the same content has seen, whatever its name and its text', () => {
    deploy(log, bundle(three));
    const { grantId } = openTestRun(log);
    read(grantId);
    read(grantId);
    deploy(log, bundle({ ...three, name: 'renamed', says: 'other words', outcome: 'ask' }));
    expect(read(grantId).type).toBe('ActionStepUp');
    deploy(log, bundle(three));
    expect(read(grantId).type).toBe('ActionDenied');
  });

  it('starts a new rule empty, and one about labels from the first action of each', () => {
    const { grantId } = openTestRun(log);
    read(grantId, 'a', { labels: ['private'] });
    read(grantId);
    const labelled = rule('after-private', { verbs: ['note.*'] }, { formerly: { labels: ['private'] } });
    deploy(log, bundle(three, labelled));
    expect(read(grantId).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'note.write').type).toBe('ActionDenied');
  });

  it('drops the state of a rule that is gone, which would lack the steps until it returns', () => {
    deploy(log, bundle(three));
    const { grantId, treeId } = openTestRun(log);
    read(grantId);
    deploy(log, bundle());
    read(grantId);
    expect(log.state.trees.get(treeId)?.kept).toBeUndefined();
  });

  it('keeps the rules of the release if it has none, and none if its list is empty', () => {
    const { grantId } = openTestRun(log);
    read(grantId, '.env');
    deploy(log, { catalog: [] });
    expect(act(log, grantId, 'email.send').type).toBe('ActionDenied');
    deploy(log, bundle());
    expect(act(log, grantId, 'email.send').type).not.toBe('ActionDenied');
  });

  it('keeps each label that a rule looks for, even beyond the bound of other labels', () => {
    deploy(log, bundle(rule('marked', { verbs: ['note.*'] }, { formerly: { labels: ['marked'] } })));
    const { grantId } = openTestRun(log);
    for (let i = 0; i < 5; i++) read(grantId, 'a', { labels: Array.from({ length: 30 }, (_, n) => `l${i}-${n}`) });
    read(grantId, 'a', { labels: ['marked'] });
    expect(act(log, grantId, 'note.write').type).toBe('ActionDenied');
  });

  it('refuses rules with a fault, or with the code of another rule', () => {
    const refusalOf = (...rules: object[]) => {
      const result = tryDeploy(log, { rules } as PolicyBundle, 0);
      return 'refusal' in result ? result.refusal.detail : 'deployed';
    };
    expect(refusalOf(three, three)).toContain('is also the name of another rule');
    expect(refusalOf({ ...three, code: 'LETHAL_TRIFECTA' })).toContain('only the rules that the release ships');
    expect(refusalOf({ ...three, when: {} })).toContain('exactly one operator');
    expect(policyRule.safeParse({ ...three, name: 'lethal-trifecta', code: 'LETHAL_TRIFECTA' }).success).toBe(true);
  });
});
