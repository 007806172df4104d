import { LIMITS } from '@bailiwick/core/limits';
import type { TenantCaps } from '@bailiwick/contracts/budgets/tenant-budget';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { stateDigest } from '../../state/digest';
import { bodyDigest } from '../../state/stored';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog } from '../../testing/harness';

const ANN = { kind: 'person', id: 'person:ann' } as const;
const OTHER = `ref_${'1'.repeat(26)}`;

function set(log: TestLog, budget: TenantCaps, selector: object = {}, name = 'team') {
  return only(log.do('setTenantBudget', { name, selector, budget, actor: ANN }), 'TenantBudgetSet');
}
const used = (log: TestLog, name = 'team') => log.state.purses.get(name)?.usage;
const refused = (log: TestLog, fields: object) =>
  log.try('setTenantBudget', { name: 'team', selector: {}, budget: { calls: 1 }, ...fields });
const settle = (log: TestLog, actionId: string | undefined, cost?: Record<string, number>, actor?: object) =>
  log.do('settle', {
    actionId: actionId as string,
    outcome: { status: 'completed', ...(cost ? { cost } : {}) },
    ...(actor ? { actor } : {}),
  } as never);

describe('a tenant budget', () => {
  it('is shared by the runs of one person, and of no other', () => {
    const log = new TestLog();
    set(log, { calls: 2 }, { principalRef: REF });
    const [first, second] = [openTestRun(log), openTestRun(log)];
    const stranger = only(
      log.do('openRun', { agent: { class: 'worker' }, principalRef: OTHER, purposeRef: REF, grant: ROOMY }),
      'GrantIssued',
    ).grantId as string;
    expect(act(log, first.grantId, 'file.read')).toMatchObject({ data: { tenantBudgets: ['team'] } });
    expect(act(log, second.grantId, 'file.read').type).toBe('ActionPermitted');
    const denied = act(log, first.grantId, 'file.read');
    expect(denied).toMatchObject({
      type: 'ActionDenied',
      data: { reasons: [{ rule: 'tenant-budget', code: 'TENANT_BUDGET_EXHAUSTED', path: 'budgets.team.calls' }] },
    });
    expect(denied.data.reasons[0]?.message).toContain('2 of 2 calls are used up; only an admin may raise it');
    expect(act(log, stranger, 'file.read').type).toBe('ActionPermitted');
    // the leases live on
    expect(log.state.grants.get(first.grantId)?.status).toBe('active');
  });

  it('follows the class of the root run, in any spelling, and not that of its children', () => {
    const log = new TestLog();
    set(log, { calls: 1 }, { agentClass: 'worker' });
    const { grantId } = openTestRun(log, ROOMY, 'Worker');
    const child = delegateTestRun(log, grantId, {}, 'helper');
    const helper = openTestRun(log, ROOMY, 'helper');
    delegateTestRun(log, helper.grantId, {}, 'worker');
    expect(act(log, child.grantId, 'file.read').type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    expect(act(log, helper.grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('follows a label of the action, which a caller can add and not leave out', () => {
    const log = new TestLog();
    set(log, { calls: 1 }, { label: 'send:external' });
    const { grantId } = openTestRun(log);
    expect(act(log, grantId, 'file.read').data).not.toHaveProperty('tenantBudgets');
    expect(act(log, grantId, 'file.read', { labels: ['send:external'] }).data).toHaveProperty('tenantBudgets');
    expect(act(log, grantId, 'email.send').type).not.toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('caps the currencies that it names and no others', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 100 }, windows: [{ per: '1h', cost: { EUR: 5 } }] });
    const { grantId } = openTestRun(log, {
      ...ROOMY,
      budget: { ...ROOMY.budget, cost: { USD: 900, EUR: 900, GBP: 900 } },
    });
    expect(act(log, grantId, 'file.read', { cost: { GBP: 500 } }).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read', { cost: { EUR: 5 } }).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read', { cost: { EUR: 1 } }).type).toBe('ActionDenied');
    expect(act(log, grantId, 'file.read', { cost: { USD: 101 } }).type).toBe('ActionDenied');
    log.now += 2 * 3_600_000;
    const later = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { EUR: 900 } } });
    expect(act(log, later.grantId, 'file.read', { cost: { EUR: 1 } }).type).toBe('ActionPermitted');
  });

  it('shows what is left of it if that is less than the lease has left', () => {
    const log = new TestLog();
    set(log, { calls: 9, cost: { USD: 50 }, windows: [{ per: '1h', calls: 4 }] });
    const { grantId } = openTestRun(log);
    const { data } = act(log, grantId, 'file.read', { cost: { USD: 20 } });
    expect(data.least).toEqual({ calls: 3, reads: 99, writes: 100, external: 100, cost: { USD: 30 } });
    expect(act(log, grantId, 'file.read', { cost: { USD: 40 } }).data.least).toMatchObject({
      calls: 3,
      cost: { USD: 30 },
    });
  });

  it('reserves money with the permit and commits what the outcome reports, also above the cap', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 100 } });
    const { grantId } = openTestRun(log);
    const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 60 } });
    expect(used(log)?.reserved.cost).toEqual({ USD: 60 });
    expect(act(log, grantId, 'file.read', { cost: { USD: 50 } }).type).toBe('ActionDenied');
    settle(log, actionId, { USD: 130 });
    expect([used(log)?.committed.cost, used(log)?.reserved.cost]).toEqual([{ USD: 130 }, {}]);
    expect(act(log, openTestRun(log).grantId, 'file.read', { cost: { USD: 1 } }).type).toBe('ActionDenied');
    expect(act(log, openTestRun(log).grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('is charged by a run’s own report no more than it has left', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 100 } });
    const { grantId, runId } = openTestRun(log);
    const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 10 } });
    const [outcome] = settle(log, actionId, { USD: 500 }, { kind: 'run', id: runId });
    expect(outcome?.data).toMatchObject({ findings: [{ code: 'BEYOND_LEASE', amount: 400 }] });
    expect(used(log)?.committed.cost).toEqual({ USD: 100 });
  });

  it('binds live runs at once, and a call in flight releases nothing that it never reserved', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const before = act(log, grantId, 'file.read', { cost: { USD: 40 } });
    set(log, { calls: 1, cost: { USD: 50 } });
    settle(log, before.actionId, { USD: 10 });
    expect(used(log)).toMatchObject({ committed: { calls: 0, cost: {} }, reserved: { cost: {} } });
    expect(act(log, grantId, 'file.read', { cost: { USD: 50 } }).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('keeps its usage when it is changed, and records who changed it', () => {
    const log = new TestLog();
    set(log, { calls: 2, windows: [{ per: '1h', calls: 2 }] });
    const { grantId } = openTestRun(log);
    const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 5 } });
    act(log, grantId, 'file.read');
    const changed = set(log, {
      calls: 3,
      cost: { USD: 6 },
      windows: [
        { per: '1h', calls: 9 },
        { per: '2h', calls: 9 },
      ],
    });
    expect(changed.actor).toEqual(ANN);
    expect(used(log)).toMatchObject({ committed: { calls: 2 }, reserved: { cost: { USD: 5 } } });
    expect(act(log, grantId, 'file.read', { cost: { USD: 2 } }).type).toBe('ActionDenied');
    settle(log, actionId, { USD: 4 });
    expect(act(log, grantId, 'file.read', { cost: { USD: 2 } }).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('gives a window that it gets while money is in flight only its own money to release', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 900 } });
    const { grantId } = openTestRun(log);
    const before = act(log, grantId, 'file.read', { cost: { USD: 90 } });
    set(log, { windows: [{ per: '1h', cost: { USD: 100 } }] });
    const after = act(log, grantId, 'file.read', { cost: { USD: 100 } });
    settle(log, before.actionId, {});
    expect(act(log, grantId, 'file.read', { cost: { USD: 1 } }).type).toBe('ActionDenied');
    settle(log, after.actionId, { USD: 60 });
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    expect(act(log, grantId, 'file.read', { cost: { USD: 40 } }).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read', { cost: { USD: 1 } }).type).toBe('ActionDenied');
  });

  it('starts empty after it was removed, and old calls in flight release nothing from the new one', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 50 } });
    const { grantId } = openTestRun(log);
    const old = act(log, grantId, 'file.read', { cost: { USD: 50 } });
    log.do('removeTenantBudget', { name: 'team', actor: ANN });
    expect(act(log, grantId, 'file.read', { cost: { USD: 50 } }).type).toBe('ActionPermitted');
    set(log, { cost: { USD: 30 } });
    act(log, grantId, 'file.read', { cost: { USD: 30 } });
    settle(log, old.actionId, {});
    expect(used(log)?.reserved.cost).toEqual({ USD: 30 });
  });

  it('counts a call that was given up, and one whose tree is set aside, as spent', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 50 } });
    const { grantId } = openTestRun(log);
    act(log, grantId, 'file.read', { cost: { USD: 20 } });
    log.now += LIMITS.permitMs + LIMITS.outcomeMs;
    log.tickAll();
    expect(used(log)).toMatchObject({ committed: { cost: { USD: 20 } }, reserved: { cost: {} } });
    const other = openTestRun(log);
    act(log, other.grantId, 'file.read', { cost: { USD: 7 } });
    const position = log.state.next;
    const last = log.events.at(-1);
    const body = JSON.stringify({ ...last, v: 99, position, id: `${last?.id}x` });
    log.store({ position, body });
    expect(used(log)?.reserved.cost).toEqual({ USD: 7 });
    log.do('setAsideEvent', { position, bodyDigest: bodyDigest(body), actor: ANN });
    expect(used(log)).toMatchObject({ committed: { cost: { USD: 27 } }, reserved: { cost: {} } });
  });

  it('keeps what forgotten trees have used', () => {
    const log = new TestLog();
    set(log, { calls: 2 });
    const { grantId, runId, treeId } = openTestRun(log);
    settle(log, act(log, grantId, 'file.read').actionId);
    log.do('completeRun', { runId });
    log.now += LIMITS.endedKeptMs + 2_000;
    const next = openTestRun(log);
    expect(log.state.trees.has(treeId)).toBe(false);
    expect(act(log, next.grantId, 'file.read').type).toBe('ActionPermitted');
    expect(act(log, next.grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('is the same after a snapshot, with its calls in flight', () => {
    const log = new TestLog();
    set(log, { cost: { USD: 50 }, windows: [{ per: '1h', calls: 5 }] }, { principalRef: REF });
    set(log, { calls: 50 }, { principalRef: REF }, 'other');
    const { grantId } = openTestRun(log);
    act(log, grantId, 'file.read', { cost: { USD: 20 } });
    const copy = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(copy)).toBe(stateDigest(log.state));
    expect([...copy.purses.values()]).toEqual([...log.state.purses.values()]);
    expect(copy.actions).toEqual(log.state.actions);
    expect(copy.purses.naming).toEqual(new Map([[REF, [0, 1]]]));
  });

  it('is set by no run, with at least one valid cap', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log);
    expect(refused(log, { actor: { kind: 'run', id: runId } })).toMatchObject({
      events: [{ type: 'Refused', data: { code: 'FORBIDDEN' } }],
    });
    expect(refused(log, { budget: { windows: [{ per: '90d', calls: 1 }] } })).toMatchObject({
      refusal: { code: 'BAD_REQUEST' },
    });
    expect(refused(log, { selector: { agentClass: 'work*' } })).toMatchObject({ refusal: { code: 'PATTERN_INVALID' } });
    expect(log.try('removeTenantBudget', { name: 'team' })).toMatchObject({ refusal: { code: 'NOT_FOUND' } });
  });

  it('is refused if more than a bounded number could match one action', () => {
    const log = new TestLog();
    for (let i = 0; i < LIMITS.tenantBudgetsPerAction - 1; i++) set(log, { calls: 9 }, { principalRef: REF }, `p${i}`);
    for (let i = 0; i < 40; i++) set(log, { calls: 9 }, { principalRef: `ref_${String(i + 10).repeat(13)}` }, `q${i}`);
    set(log, { calls: 9 }, { agentClass: 'worker' }, 'class');
    expect(refused(log, {})).toMatchObject({ refusal: { code: 'TOO_MANY' } });
    expect(refused(log, { selector: { principalRef: REF, agentClass: 'worker' } })).toMatchObject({
      refusal: { code: 'TOO_MANY' },
    });
    set(log, { calls: 9 }, { principalRef: OTHER });
    expect(act(log, openTestRun(log).grantId, 'file.read').data).toHaveProperty('tenantBudgets.length', 16);
  });
});
