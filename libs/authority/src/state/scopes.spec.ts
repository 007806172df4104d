import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { act, delegateTestRun, only, openTestRun, REF, TestLog } from '../testing/harness';
import { stateDigest } from './digest';
import { fromSnapshot, toSnapshot } from './snapshot';

const counts = { calls: 100, reads: 100, writes: 100, external: 100, cost: { USD: 1_000 } };
const lease = (perVerb: NonNullable<GrantRequest['budget']>['perVerb']): GrantRequest => ({
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { ...counts, perVerb },
  delegation: { depth: 2, children: 5, classes: ['*'] },
});
const delegation = { depth: 1, children: 3, classes: ['*'] };
const codes = (event: ReturnType<typeof act>) =>
  event.data.reasons.flatMap(({ reasons = [] }) => reasons.map(({ code, path }) => `${code} ${path}`));

describe('budget.perVerb', () => {
  it('denies further calls of these verbs, in any spelling, and ends nothing', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, lease([{ actions: ['email.*'], calls: 2 }]));
    act(log, grantId, 'email.send');
    act(log, grantId, 'EMAIL.draft ');
    expect(codes(act(log, grantId, 'Email.Send'))).toEqual(['PER_VERB_EXHAUSTED budget.perVerb[email.*].calls']);
    expect(codes(act(log, grantId, 'email.bulk.send'))).toHaveLength(1);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(grantId)?.status).toBe('active');
  });

  it('counts the calls of all runs below, and money as reserved and then as spent', () => {
    const log = new TestLog();
    const top = openTestRun(log, lease([{ actions: ['order.pay'], cost: { USD: 100 } }]));
    const one = delegateTestRun(log, top.grantId, { delegation });
    const other = delegateTestRun(log, top.grantId, { delegation });
    const paid = act(log, one.grantId, 'order.pay', { cost: { USD: 80 } });
    expect(codes(act(log, other.grantId, 'order.pay', { cost: { USD: 30 } }))).toContain(
      'PER_VERB_EXHAUSTED budget.perVerb[order.pay].cost.USD',
    );
    log.do('settle', { actionId: paid.actionId as string, outcome: { status: 'completed', cost: { USD: 10 } } });
    expect(act(log, other.grantId, 'order.pay', { cost: { USD: 90 } }).type).toBe('ActionPermitted');
  });

  it('is kept by a child that names none, and may only become tighter', () => {
    const log = new TestLog();
    const top = openTestRun(log, lease([{ actions: ['email.*'], calls: 5 }]));
    const below = delegateTestRun(log, top.grantId, { delegation });
    expect(log.state.grants.get(below.grantId)?.limits.budget.perVerb).toEqual([{ actions: ['email.*'], calls: 5 }]);
    const added = delegateTestRun(log, top.grantId, { budget: { perVerb: [{ actions: ['EMAIL.send'], calls: 9 }] } });
    expect(log.state.grants.get(added.grantId)?.limits.budget.perVerb).toEqual([
      { actions: ['email.*'], calls: 5 },
      { actions: ['email.send'], calls: 9 },
    ]);
    const refused = log.do('delegate', {
      grantId: top.grantId,
      agent: { class: 'helper' },
      purposeRef: REF,
      grant: { budget: { perVerb: [{ actions: ['Email.*'], calls: 6 }] } },
    });
    expect(only(refused, 'DelegationRefused').data.reasons.map(({ path }) => path)).toEqual([
      'budget.perVerb[email.*]',
    ]);
  });

  it('continues when the lease is raised, and survives a snapshot with its permits', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, lease([{ actions: ['order.pay'], calls: 2, cost: { USD: 50 } }]));
    const paid = act(log, grantId, 'order.pay', { cost: { USD: 40 } });
    const read = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(read)).toBe(stateDigest(log.state));
    expect(read.actions).toEqual(log.state.actions);
    const want = { budget: { calls: 200, perVerb: [{ actions: ['order.pay'], calls: 3, cost: { USD: 60 } }] } };
    const asked = only(log.do('escalate', { runId, want }), 'ApprovalRequested');
    const { approvalId } = asked.data;
    const person = { kind: 'person', id: 'person:ann' } as const;
    const raised = only(log.do('decideApproval', { approvalId, verdict: 'approve', actor: person }), 'GrantIssued');
    log.do('settle', { actionId: paid.actionId as string, outcome: { status: 'completed', cost: { USD: 5 } } });
    const id = raised.grantId as string;
    expect(log.state.grants.get(id)?.usage.scopes).toMatchObject([{ calls: 1, cost: { USD: 5 } }]);
    expect(act(log, id, 'order.pay', { cost: { USD: 55 } }).type).toBe('ActionPermitted');
    expect(codes(act(log, id, 'order.pay', { cost: { USD: 1 } }))).toHaveLength(1);
  });

  it('takes the raised caps of verbs in another spelling', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log, lease([{ actions: ['order.pay'], calls: 2 }]));
    const want = { budget: { perVerb: [{ actions: ['Order.Pay'], calls: 3 }] } };
    const { limits } = only(log.do('escalate', { runId, want }), 'ApprovalRequested').data;
    expect(limits?.budget.perVerb).toEqual([{ actions: ['order.pay'], calls: 3 }]);
  });

  it('leaves the state of other leases as it was', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    act(log, grantId, 'file.read');
    expect(log.state.grants.get(grantId)?.usage).not.toHaveProperty('scopes');
    expect([...log.state.actions.values()][0]).not.toHaveProperty('covered');
  });
});
