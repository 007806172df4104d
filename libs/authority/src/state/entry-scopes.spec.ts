import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { act, delegateTestRun, only, openTestRun, REF, TestLog } from '../testing/harness';
import { stateDigest } from './digest';
import { fromSnapshot, toSnapshot } from './snapshot';

type Permissions = NonNullable<GrantRequest['permissions']>;
const counts = { calls: 100, reads: 100, writes: 100, external: 100, cost: { USD: 1_000 } };
const lease = (permissions: Permissions, budget: GrantRequest['budget'] = {}): GrantRequest => ({
  permissions,
  budget: { ...counts, ...budget },
  delegation: { depth: 2, children: 5, classes: ['*'] },
});
const delegation = { depth: 1, children: 3, classes: ['*'] };
const on = (match: string) => [{ type: 'file', match }];
const pay = { actions: ['invoice.pay'], resources: [{ type: 'invoice', match: '**' }] };
const read = { actions: ['file.read'], resources: on('docs/**') };
const PERSON = { kind: 'person' as const, id: 'person:ann', role: 'responder' };

const paid = (log: TestLog, grantId: string, USD = 1, id = 'i-1') =>
  act(log, grantId, 'invoice.pay', { resource: { type: 'invoice', id }, cost: { USD } });
const readAt = (log: TestLog, grantId: string, id: string) =>
  act(log, grantId, 'file.read', { resource: { type: 'file', id } });
const codes = (event: ReturnType<typeof act>) =>
  event.data.reasons.flatMap(({ reasons = [] }) => reasons.map(({ code, path }) => `${code} ${path}`));
const usageOf = (log: TestLog, grantId: string) => log.state.grants.get(grantId)?.usage.scopes;

describe('caps of a permission', () => {
  it('deny further actions of the entry, and end nothing', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, lease([{ ...pay, calls: 2, cost: { USD: 50 } }, read]));
    paid(log, grantId, 30);
    expect(codes(paid(log, grantId, 30))).toEqual(['PERMISSION_EXHAUSTED permissions[1].cost.USD']);
    paid(log, grantId, 20);
    const denied = paid(log, grantId, 0);
    expect(codes(denied)).toEqual(['PERMISSION_EXHAUSTED permissions[1].calls']);
    expect(denied.data.reasons[0]?.reasons?.[0]?.message).toBe('2 of 2 calls of invoice.pay on invoice ** are used up');
    expect(readAt(log, grantId, 'docs/a').type).toBe('ActionPermitted');
    expect(log.state.grants.get(grantId)?.status).toBe('active');
  });

  it('charge every entry that covers an action, and admit it while one of them has room', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(
      log,
      lease([
        { actions: ['file.read'], resources: on('docs/**'), calls: 1 },
        { actions: ['file.*'], resources: on('**'), calls: 3 },
      ]),
    );
    for (let i = 0; i < 3; i++) expect(readAt(log, grantId, 'docs/a').type).toBe('ActionPermitted');
    expect(usageOf(log, grantId)?.map(({ calls }) => calls)).toEqual([3, 3]);
    expect(codes(readAt(log, grantId, 'docs/a'))).toEqual(['PERMISSION_EXHAUSTED permissions[0].calls']);
    expect(codes(readAt(log, grantId, 'src/a'))).toEqual(['PERMISSION_EXHAUSTED permissions[0].calls']);
  });

  it('do not charge an entry whose mode or condition rules the action out', () => {
    const log = new TestLog();
    const where = { stage: { eq: 'test' } };
    const { grantId } = openTestRun(
      log,
      lease([
        { actions: ['file.write'], resources: on('**'), mode: 'draft', calls: 1 },
        { actions: ['file.write'], resources: [{ type: 'file', match: '**', where }], calls: 5 },
        { actions: ['file.write'], resources: on('**') },
      ]),
    );
    act(log, grantId, 'file.write', { resource: { type: 'file', id: 'a', attributes: { stage: 'prod' } } });
    expect(usageOf(log, grantId)?.map(({ calls }) => calls)).toEqual([0, 0]);
    act(log, grantId, 'file.write', { resource: { type: 'file', id: 'a', attributes: { stage: 'test' } } });
    expect(
      usageOf(log, grantId)
        ?.map(({ calls }) => calls)
        .sort(),
    ).toEqual([0, 1]);
  });

  it('count what all runs below use, and money as reserved and then as spent', () => {
    const log = new TestLog();
    const top = openTestRun(log, lease([{ ...pay, cost: { USD: 100 } }]));
    const one = delegateTestRun(log, top.grantId, { delegation });
    const other = delegateTestRun(log, top.grantId, { delegation });
    const first = paid(log, one.grantId, 80);
    expect(codes(paid(log, other.grantId, 30))).toEqual(['PERMISSION_EXHAUSTED permissions[0].cost.USD']);
    log.do('settle', { actionId: first.actionId as string, outcome: { status: 'completed', cost: { USD: 10 } } });
    expect(paid(log, other.grantId, 90).type).toBe('ActionPermitted');
  });

  it('follow those of the verbs in the state, which a snapshot keeps', () => {
    const log = new TestLog();
    const perVerb = [{ actions: ['invoice.*'], calls: 9 }];
    const { grantId } = openTestRun(log, lease([{ ...pay, calls: 2 }], { perVerb }));
    paid(log, grantId);
    expect(usageOf(log, grantId)).toHaveLength(2);
    const copy = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(copy)).toBe(stateDigest(log.state));
    expect(copy.actions).toEqual(log.state.actions);
    paid(log, grantId);
    expect(codes(paid(log, grantId))).toEqual(['PERMISSION_EXHAUSTED permissions[0].calls']);
  });

  it('ask a person beyond the share of the lease, unless another entry has room', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, lease([{ ...pay, calls: 4 }], { askAt: 0.5 }));
    paid(log, grantId);
    paid(log, grantId);
    const asks = paid(log, grantId);
    expect(asks.type).toBe('ActionStepUp');
    expect(codes(asks)).toEqual(['BUDGET_ASK_AT budget.askAt']);
    const free = openTestRun(
      log,
      lease(
        [
          { ...pay, calls: 1 },
          { ...pay, resources: [{ type: '*', match: '**' }] },
        ],
        { askAt: 0.5 },
      ),
    );
    expect(paid(log, free.grantId).type).toBe('ActionPermitted');
  });

  it('charge an overrun that a run reports itself only as far as one of the entries has room', () => {
    for (const [cap, more, charged] of [
      [100, [], 100],
      [100, [{ ...pay, resources: [{ type: '*', match: '**' }] }], 300],
      [100, [{ ...pay, resources: [{ type: '*', match: '**' }], cost: { USD: 200 } }], 200],
    ] as [number, Permissions, number][]) {
      const log = new TestLog();
      const { grantId, runId } = openTestRun(log, lease([{ ...pay, cost: { USD: cap } }, ...more]));
      const actionId = paid(log, grantId, 50).actionId as string;
      const outcome = { status: 'completed' as const, cost: { USD: 300 } };
      const [done] = log.do('settle', { actionId, outcome, actor: { kind: 'run', id: runId } });
      expect(only([done as never], 'ActionCompleted').data.charge.cost).toEqual({ USD: charged });
      expect(usageOf(log, grantId)?.[0]?.cost).toEqual({ USD: charged });
    }
  });

  it('are kept by a child that names no permissions, and no child has larger ones', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, lease([{ ...pay, calls: 5, cost: { USD: 100 } }]));
    const held = log.state.grants.get(grantId)?.limits.permissions;
    expect(log.state.grants.get(delegateTestRun(log, grantId).grantId)?.limits.permissions).toEqual(held);
    delegateTestRun(log, grantId, { permissions: [{ ...pay, calls: 5, cost: { USD: 100, EUR: 5 } }] });
    for (const caps of [
      {},
      { calls: 5 },
      { calls: 6, cost: { USD: 100 } },
      { calls: 5, cost: { EUR: 100 } },
    ] as Partial<Permissions[0]>[]) {
      const agent = { class: 'helper' };
      const grant = { permissions: [{ ...pay, ...caps }] };
      const refused = log.do('delegate', { grantId, agent, purposeRef: REF, grant });
      const [reason] = only(refused, 'DelegationRefused').data.reasons;
      expect(reason?.path).toBe('permissions[0]');
      expect(reason?.message).toContain(
        'the nearest, permissions[0], may use at most 5 calls and 1.00 USD in all: name calls and cost in the entry, no larger than that',
      );
    }
  });

  it('continue when the lease is raised', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, lease([{ ...pay, calls: 2, cost: { USD: 50 } }, read]));
    const first = paid(log, grantId, 40);
    const want = { permissions: [{ ...pay, actions: ['INVOICE.pay'], calls: 3, cost: { USD: 60 } }] };
    const { approvalId } = only(log.do('escalate', { runId, want }), 'ApprovalRequested').data;
    const raised = only(log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON }), 'GrantIssued');
    const id = raised.grantId as string;
    expect(raised.data.limits.permissions).toHaveLength(2);
    log.do('settle', { actionId: first.actionId as string, outcome: { status: 'completed', cost: { USD: 5 } } });
    expect(usageOf(log, id)).toMatchObject([{ calls: 1, cost: { USD: 5 } }]);
    expect(paid(log, id, 55).type).toBe('ActionPermitted');
    expect(codes(paid(log, id, 1))).toEqual(['PERMISSION_EXHAUSTED permissions[1].cost.USD']);
  });

  it.each<[string, Permissions[0], Partial<Permissions[0]>]>([
    ['the default mode', pay, { mode: 'execute' }],
    [
      'its values in another order',
      { ...pay, resources: [{ type: 'invoice', match: '**', where: { stage: { in: ['paid', 'sent'] } } }] },
      { resources: [{ type: 'invoice', match: '**', where: { stage: { in: ['sent', 'paid'] } } }] },
    ],
  ])('continue under an entry that a raise repeats with %s', (_, entry, repeated) => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, lease([{ ...entry, calls: 2 }, read]));
    const resource = { type: 'invoice', id: 'i-1', attributes: { stage: 'sent' } };
    act(log, grantId, 'invoice.pay', { resource });
    const want = { permissions: [{ ...entry, ...repeated, calls: 3 }] };
    const { approvalId } = only(log.do('escalate', { runId, want }), 'ApprovalRequested').data;
    const raised = only(log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON }), 'GrantIssued');
    expect(raised.data.limits.permissions).toHaveLength(2);
    const id = raised.grantId as string;
    const decided = [1, 2, 3].map(() => act(log, id, 'invoice.pay', { resource }).type);
    expect(decided).toEqual(['ActionPermitted', 'ActionPermitted', 'ActionDenied']);
  });

  it('continue when they are lowered, and never restart under another entry', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, lease([{ ...pay, calls: 5 }, read]));
    paid(log, grantId);
    paid(log, grantId);
    const narrow = (permissions: Permissions) => log.do('narrow', { grantId, grant: { permissions }, actor: PERSON });
    const other = [{ type: 'invoice', match: 'eu/**' }];
    for (const entry of [
      { ...pay, resources: other },
      { ...pay, mode: 'propose' as const },
    ]) {
      const { data } = only(narrow([{ ...entry, calls: 5 }]), 'Refused');
      expect(data.code).toBe('NARROWING_WIDENS');
      expect(data.detail).toContain('would count from nothing');
    }
    only(
      narrow([
        { ...pay, calls: 3 },
        { ...read, calls: 1 },
      ]),
      'GrantNarrowed',
    );
    expect(paid(log, grantId).type).toBe('ActionPermitted');
    expect(codes(paid(log, grantId))).toEqual(['PERMISSION_EXHAUSTED permissions[1].calls']);
    expect(readAt(log, grantId, 'docs/a').type).toBe('ActionPermitted');
    expect(readAt(log, grantId, 'docs/a').type).toBe('ActionDenied');
  });

  it('bind a person who gives less only where they have counted', () => {
    const log = new TestLog();
    const RUN = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, requireApproval: true };
    const answer = (approvalId: string, permissions: Permissions) =>
      log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON, grant: { permissions } });
    const opened = log.do('openRun', { ...RUN, grant: lease([{ ...pay, calls: 5 }]) });
    const eu = { ...pay, resources: [{ type: 'invoice', match: 'eu/**' }] };
    const first = only(opened, 'ApprovalRequested').data.approvalId;
    const { runId = '', grantId = '' } = only(answer(first, [{ ...eu, calls: 3 }]), 'GrantIssued');
    paid(log, grantId, 1, 'eu/1');
    const want = {
      permissions: [
        { ...eu, calls: 4 },
        { ...read, calls: 9 },
      ],
    };
    const { approvalId } = only(log.do('escalate', { runId, want }), 'ApprovalRequested').data;
    const docs = { ...read, resources: on('docs/*'), calls: 2 };
    const again = { ...eu, mode: 'propose' as const, calls: 4 };
    expect(only(answer(approvalId, [{ ...eu, calls: 4 }, docs, again]), 'Refused').data.detail).toContain(
      'permissions',
    );
    const raised = only(answer(approvalId, [{ ...eu, calls: 4 }, docs]), 'GrantIssued');
    expect(usageOf(log, raised.grantId as string)?.map(({ calls }) => calls)).toEqual([0, 1]);
  });

  it('never restart in a raise after a lease above was narrowed', () => {
    const log = new TestLog();
    const top = openTestRun(log, lease([pay, read]));
    const child = delegateTestRun(log, top.grantId, {
      permissions: [{ ...pay, calls: 1 }, read],
      budget: { calls: 9 },
    });
    paid(log, child.grantId, 1, 'eu/1');
    const eu = { ...pay, resources: [{ type: 'invoice', match: 'eu/**' }] };
    log.do('narrow', { grantId: top.grantId, grant: { permissions: [eu, read] }, actor: PERSON });
    const raise = () => log.do('escalate', { runId: child.runId, want: { budget: { calls: 20 } } });
    const { data } = only(raise(), 'Refused');
    expect(data.code).toBe('ESCALATION_NARROWS');
    expect(data.detail).toContain('would count from nothing; narrow this lease without that entry first');
    expect(codes(paid(log, child.grantId, 1, 'eu/2'))).toEqual(['PERMISSION_EXHAUSTED permissions[1].calls']);
    log.do('narrow', { grantId: child.grantId, grant: { permissions: [read] }, actor: PERSON });
    only(raise(), 'ApprovalRequested');
  });

  it('that were dropped and come back count nothing from before', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, lease([{ ...pay, cost: { USD: 50 } }, read]));
    const first = paid(log, grantId, 40);
    log.do('narrow', { grantId, grant: { permissions: [read] }, actor: PERSON });
    const want = { permissions: [{ ...pay, cost: { USD: 50 } }] };
    const { approvalId } = only(log.do('escalate', { runId, want }), 'ApprovalRequested').data;
    const raised = only(log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON }), 'GrantIssued');
    const id = raised.grantId as string;
    log.do('settle', { actionId: first.actionId as string, outcome: { status: 'completed', cost: { USD: 0 } } });
    expect(usageOf(log, id)).toMatchObject([{ calls: 0, cost: {} }]);
    expect(paid(log, id, 51).type).toBe('ActionDenied');
    expect(paid(log, id, 50).type).toBe('ActionPermitted');
  });

  it('leave the state of other leases with permissions as it was', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, lease([pay, read]));
    paid(log, grantId);
    expect(log.state.grants.get(grantId)?.usage).not.toHaveProperty('scopes');
    expect([...log.state.actions.values()][0]).not.toHaveProperty('covered');
  });
});
