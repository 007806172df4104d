import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { deriveId } from '@bailiwick/core/derive-id';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';
import { deploy, manifests, type ManifestFields } from '../testing/policies';

const DEEP: GrantRequest = {
  ...ROOMY,
  delegation: { depth: 3, children: 10, classes: ['*'] },
};
const OPEN: ManifestFields = { class: '*' };

/** A chain of three leases of the classes root, middle and leaf, issued without manifests. */
function chain(log: TestLog): { grants: string[]; leaf: string } {
  const root = openTestRun(log, DEEP, 'root').grantId;
  const middle = delegateTestRun(
    log,
    root,
    { delegation: { depth: 1, children: 2, classes: ['*'] } },
    'middle',
  ).grantId;
  const leaf = delegateTestRun(log, middle, {}, 'leaf').grantId;
  return { grants: [root, middle, leaf], leaf };
}

const manifestReasons = (reasons: readonly Reason[]): Reason[] => reasons.filter(({ rule }) => rule === 'manifest');
const reasonsOf = (decided: ReturnType<typeof act>): Reason[] => manifestReasons(decided.data.reasons);

describe('a decision under a manifest', () => {
  it.each(['root', 'middle', 'leaf'])(
    'is a denial from the deployment on of a manifest that allows less to the %s of the chain',
    (agentClass) => {
      const log = new TestLog();
      const { leaf, grants } = chain(log);
      expect(act(log, leaf, 'file.write').type).toBe('ActionPermitted');
      const events = deploy(log, manifests(OPEN, { class: agentClass, most: { actions: { allow: ['file.read'] } } }));
      expect(events.map(({ type }) => type)).toEqual(['PolicyPart', 'PolicyDeployed']);
      const denied = act(log, leaf, 'file.write');
      const grantId = grants[['root', 'middle', 'leaf'].indexOf(agentClass)];
      expect([denied.type, denied.data.policy]).toEqual(['ActionDenied', 1]);
      const [reason, ...others] = reasonsOf(denied);
      expect(others).toEqual([]);
      expect(reason).toMatchObject({
        grantId,
        outcome: 'deny',
        path: `agents.${agentClass}`,
        reasons: [{ rule: 'manifest', code: 'ACTION_NOT_ALLOWED', path: 'most.actions.allow' }],
      });
      expect(reason?.message).toContain(`the manifest of the class ${agentClass}, in version 1 of the policy`);
      expect(act(log, leaf, 'file.read').type).toBe('ActionPermitted');
      deploy(log, manifests(OPEN));
      expect(act(log, leaf, 'file.write').type).toBe('ActionPermitted');
    },
  );

  it.each(['root', 'middle', 'leaf'])('states what the manifest of the %s leaves of its lease', (agentClass) => {
    const log = new TestLog();
    const { leaf } = chain(log);
    expect(act(log, leaf, 'file.read').data.least).toBeUndefined();
    deploy(log, manifests(OPEN, { class: agentClass, most: { budget: { calls: 10 } } }));
    expect(act(log, leaf, 'file.read').data.least?.calls).toBe(8);
    const denied = act(log, leaf, 'payment.send', { cost: { USD: 100_000_000 } });
    expect([denied.type, denied.data.least?.calls]).toEqual(['ActionDenied', 8]);
    deploy(log, manifests(OPEN));
    expect(act(log, leaf, 'file.read').data.least).toBeUndefined();
  });

  it.each(['root', 'middle', 'leaf'])('is a denial once the %s of the chain has no manifest', (agentClass) => {
    const log = new TestLog();
    const { leaf } = chain(log);
    deploy(
      log,
      manifests(...['root', 'middle', 'leaf'].filter((each) => each !== agentClass).map((each) => ({ class: each }))),
    );
    const [reason] = reasonsOf(act(log, leaf, 'file.read'));
    expect(reason).toMatchObject({ outcome: 'deny', reasons: [{ code: 'NO_MANIFEST' }] });
    expect(reason?.message).toContain(`no manifest of the class ${agentClass}`);
  });

  it.each<[string, ManifestFields['most'], string, object, string]>([
    ['denied verbs', { actions: { deny: ['file.read'] } }, 'ACTION_DENIED', {}, 'most.actions.deny'],
    ['resources', { resources: [{ type: 'file', match: 'b/**' }] }, 'RESOURCE_NOT_ALLOWED', {}, 'most.resources'],
    [
      'permissions',
      { permissions: [{ actions: ['file.read'], resources: [{ type: 'file', match: 'b' }] }] },
      'NO_PERMISSION',
      {},
      'most.permissions',
    ],
    [
      'denied pairs',
      { deny: [{ actions: ['*'], resources: [{ type: 'file', match: 'a/**' }] }] },
      'PAIR_DENIED',
      {},
      'most.deny[0]',
    ],
    ['money', { budget: { cost: { USD: 2 } } }, 'BUDGET_EXHAUSTED', { cost: { USD: 3 } }, 'most.budget.cost.USD'],
    ['no money', { budget: { cost: {} } }, 'CURRENCY_NOT_ALLOWED', { cost: { USD: 3 } }, 'most.budget.cost.USD'],
    [
      'money in one action',
      { budget: { perAction: { cost: { USD: 2 } } } },
      'PER_ACTION_EXCEEDED',
      { cost: { USD: 3 } },
      'most.budget.perAction.cost.USD',
    ],
    ['a posture', { posture: { model: ['m-2'] } }, 'POSTURE_MISMATCH', {}, 'most.posture.model'],
    [
      'a drift',
      { purpose: { onDrift: { stepUpAt: 0.1, suspendAt: 0.2 } } },
      'DRIFT_STEP_UP',
      { drift: { score: 0.3, features: [] } },
      'most.purpose.onDrift.suspendAt',
    ],
  ])('is a denial beyond the %s of the manifest', (_, most, code, call, path) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    deploy(log, manifests({ class: 'worker', most }));
    const [reason] = reasonsOf(act(log, grantId, 'file.read', call));
    expect(reason?.reasons).toMatchObject([{ rule: 'manifest', outcome: 'deny', code, path }]);
  });

  it('is a step-up where the manifest asks a person', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    deploy(
      log,
      manifests({ class: 'worker', most: { actions: { mode: 'propose' }, risk: { approvalFrom: 'medium' } } }),
    );
    const asked = act(log, grantId, 'file.write');
    expect(asked.type).toBe('ActionStepUp');
    expect(reasonsOf(asked)[0]?.reasons?.map(({ code }) => code)).toEqual(['MODE_PROPOSES', 'RISK_NEEDS_APPROVAL']);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('compares the budget of the manifest with what each lease has used, also below it', () => {
    const log = new TestLog();
    const { leaf, grants } = chain(log);
    for (let i = 0; i < 3; i++) act(log, leaf, 'file.read');
    deploy(log, manifests(OPEN, { class: 'root', most: { budget: { calls: 5 } } }));
    const types = Array.from({ length: 4 }, (_, i) => act(log, grants[i % 2] as string, 'file.read').type);
    expect(types).toEqual(['ActionPermitted', 'ActionPermitted', 'ActionDenied', 'ActionDenied']);
  });

  it.each<[string, NonNullable<ManifestFields['most']>, string]>([
    ['a window', { budget: { windows: [{ per: '1m', calls: 3 }] } }, 'WINDOW_EXHAUSTED'],
    [
      'a calendar window',
      { budget: { windows: [{ per: 'day', timezone: 'Europe/Berlin', calls: 3 }] } },
      'WINDOW_EXHAUSTED',
    ],
    ['caps of verbs', { budget: { perVerb: [{ actions: ['file.*'], calls: 3 }] } }, 'PER_VERB_EXHAUSTED'],
    [
      'caps of permissions',
      { permissions: [{ actions: ['file.*'], resources: [{ type: 'file', match: '**' }], calls: 3 }] },
      'PERMISSION_EXHAUSTED',
    ],
  ])('counts all use so far in %s that the lease itself does not count', (_, most, code) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    act(log, grantId, 'file.read');
    act(log, grantId, 'email.list');
    deploy(log, manifests({ class: 'worker', most }));
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    log.now += 3_600_000 / 2;
    expect(reasonsOf(act(log, grantId, 'file.read'))[0]?.reasons).toMatchObject([{ code }]);
  });

  it.each<[string, NonNullable<ManifestFields['most']>, GrantRequest]>([
    [
      'a window',
      { budget: { windows: [{ per: '1h', calls: 3 }] } },
      { budget: { windows: [{ per: '1h', calls: 90 }] } },
    ],
    [
      'caps of verbs',
      { budget: { perVerb: [{ actions: ['file.*'], calls: 3 }] } },
      { budget: { perVerb: [{ actions: ['file.*'], calls: 90 }] } },
    ],
  ])('still counts all use so far once the run has narrowed its lease by %s', (_, most, grant) => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log);
    for (let i = 0; i < 3; i++) act(log, grantId, 'file.read');
    deploy(log, manifests({ class: 'worker', most }));
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    log.do('narrow', { grantId, grant, actor: { kind: 'run', id: runId } });
    log.do('narrow', { grantId, grant: { actions: { deny: ['email.*'] } } });
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
  });

  it('counts a window as the lease does if the lease has it', () => {
    const log = new TestLog();
    const most = { budget: { windows: [{ per: '1m', calls: 2 }] } };
    deploy(log, manifests({ class: 'worker', most }));
    const { grantId } = openTestRun(log);
    const type = (): string => act(log, grantId, 'file.read').type;
    expect([type(), type(), type()]).toEqual(['ActionPermitted', 'ActionPermitted', 'ActionDenied']);
    log.now += 120_000;
    expect(type()).toBe('ActionPermitted');
  });

  it('ends a lease at the longest time from its issue, whatever its own end is', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, time: { ttl: '10m', renewUntil: '1h' } });
    deploy(log, manifests({ class: 'worker', most: { time: { ttl: '15m' } } }));
    log.now += 9 * 60_000;
    log.do('renew', { grantId });
    log.now += 5 * 60_000;
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    log.now += 2 * 60_000;
    expect(reasonsOf(act(log, grantId, 'file.read'))[0]?.reasons).toMatchObject([
      { code: 'EXPIRED', path: 'most.time.ttl' },
    ]);
  });

  it('is a denial outside of the working hours of any class of the chain', () => {
    const log = new TestLog();
    log.now = Date.parse('2026-01-05T07:59:30.000Z'); // a Monday
    const { leaf } = chain(log);
    const hours = { days: ['mon' as const], from: '09:00', until: '09:05', timezone: 'Europe/Berlin' };
    deploy(log, manifests(OPEN, { class: 'middle', hours }));
    expect(reasonsOf(act(log, leaf, 'file.read'))[0]?.reasons).toMatchObject([
      { code: 'OUTSIDE_HOURS', path: 'hours', message: expect.stringContaining('mon from 09:00 until 09:05') },
    ]);
    log.now += 30_000;
    expect(act(log, leaf, 'file.read').type).toBe('ActionPermitted');
    log.now += 5 * 60_000;
    expect(act(log, leaf, 'file.read').type).toBe('ActionDenied');
  });

  it('is a denial below a lease whose class may no longer pass it on', () => {
    for (const delegation of [{ depth: 1 }, { classes: ['middle'] }]) {
      const log = new TestLog();
      const { leaf, grants } = chain(log);
      deploy(log, manifests(OPEN, { class: 'root', most: { delegation } }));
      expect(reasonsOf(act(log, leaf, 'file.read'))).toMatchObject([{ grantId: grants[0], path: 'agents.root' }]);
      expect(act(log, grants[1] as string, 'file.read').type).toBe('ActionPermitted');
    }
  });

  it('is a denial under a lease that was forged beyond its manifest', () => {
    const log = new TestLog();
    deploy(log, manifests({ class: 'worker', most: { actions: { allow: ['file.read'] }, budget: { calls: 2 } } }));
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['file.read'] }, budget: { calls: 2 } });
    const other = new TestLog();
    const forged = other.state.grants.get(openTestRun(other).grantId);
    Object.assign(log.state.grants.get(grantId) as object, { limits: forged?.limits });
    expect(reasonsOf(act(log, grantId, 'file.write'))[0]?.reasons).toMatchObject([{ code: 'ACTION_NOT_ALLOWED' }]);
    const types = [1, 2, 3].map(() => act(log, grantId, 'file.read').type);
    expect(types).toEqual(['ActionPermitted', 'ActionPermitted', 'ActionDenied']);
  });

  it('follows the one deployment under each of 20,000 leases, which have no events of it', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log);
    const [grant, run] = [log.state.grants.get(grantId), log.state.runs.get(runId)];
    if (!grant || !run) throw new Error('no lease');
    const ids = Array.from({ length: 20_000 }, (_, i) => {
      const own = { grantId: deriveId('grant', 0, `many ${i}`), runId: deriveId('run', 0, `many ${i}`) };
      log.state.runs.set(own.runId, { ...run, id: own.runId, grantId: own.grantId });
      log.state.grants.set(own.grantId, { ...grant, id: own.grantId, runId: own.runId });
      return own.grantId;
    });
    const before = log.events.length;
    const events = deploy(log, manifests({ class: 'worker', most: { actions: { allow: ['email.*'] } } }));
    expect(log.events.slice(before)).toEqual(events);
    expect(events.map(({ type }) => type)).toEqual(['PolicyPart', 'PolicyDeployed']);
    for (const i of [0, 9_999, 19_999]) expect(act(log, ids[i] as string, 'file.read').type).toBe('ActionDenied');
  });
});

describe('a child lease under manifests', () => {
  const delegate = (log: TestLog, grantId: string, grant: GrantRequest = {}, agentClass = 'helper') =>
    log.do('delegate', { grantId, agent: { class: agentClass }, purposeRef: REF, grant });

  it('is refused beyond the manifest of the class of the child, which the reason names', () => {
    const log = new TestLog();
    deploy(log, manifests({ class: 'worker' }, { class: 'helper', most: { budget: { calls: 5 } } }));
    const { grantId } = openTestRun(log);
    const { data } = only(delegate(log, grantId, { budget: { calls: 6 } }), 'DelegationRefused');
    expect(data).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      detail: expect.stringContaining('the manifest of the class helper, in version 1 of the policy'),
      reasons: [{ rule: 'manifest', code: 'BEYOND_MANIFEST', path: 'budget.calls' }],
    });
    expect(only(delegate(log, grantId), 'GrantIssued').data.limits.budget.calls).toBe(5);
  });

  it('is refused if its class has no manifest', () => {
    const log = new TestLog();
    deploy(log, manifests({ class: 'worker' }));
    const { grantId } = openTestRun(log);
    expect(only(delegate(log, grantId), 'DelegationRefused').data).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      reasons: [{ code: 'NO_MANIFEST' }],
    });
  });

  it('is refused if the manifest of a lease above does not let it pass authority on to that class', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    deploy(log, manifests(OPEN, { class: 'worker', most: { delegation: { classes: ['other'] } } }));
    expect(only(delegate(log, grantId), 'DelegationRefused').data).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      reasons: [{ rule: 'manifest', code: 'AGENT_CLASS_NOT_ALLOWED', grantId }],
    });
    deploy(log, manifests(OPEN, { class: 'worker', most: { delegation: { children: 1 } } }));
    delegateTestRun(log, grantId);
    expect(only(delegate(log, grantId), 'DelegationRefused').data.reasons[0]?.code).toBe('DELEGATION_CHILDREN');
  });

  it('waits for a person if the manifest of a lease above requires that, and is compared again at the answer', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const asks = { class: 'worker', most: { delegation: { ask: true as const } } };
    deploy(log, manifests(OPEN, asks));
    const { approvalId } = only(delegate(log, grantId), 'ApprovalRequested').data;
    deploy(log, manifests(OPEN, asks, { class: 'helper', most: { budget: { calls: 5 } } }));
    const answer = { approvalId, verdict: 'approve' as const, actor: { kind: 'person' as const, id: 'person:ann' } };
    expect(only(log.do('decideApproval', answer), 'Refused').data.code).toBe('GRANT_EXCEEDS_MAXIMUM');
    deploy(log, manifests(OPEN, asks));
    expect(only(log.do('decideApproval', answer), 'GrantIssued').data.beyond).toBeUndefined();
  });
});
