import type { Event } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { act, delegateTestRun, only, openTestRun, REF, TestLog } from '../testing/harness';
import { stateDigest } from './digest';
import { fromSnapshot, toSnapshot } from './snapshot';

const lease = (budget: GrantRequest['budget'], depth = 3): GrantRequest => ({
  budget,
  delegation: { depth, children: 9, classes: ['*'] },
});
const ROOT = { calls: 20, reads: 20, writes: 20, external: 20, cost: { USD: 100 }, units: { tokens: 1_000 } };
const CHILD = { calls: 8, reads: 8, writes: 0, external: 0, cost: { USD: 40 }, units: { tokens: 300 }, reserve: true };
const PERSON = { kind: 'person', id: 'person:ann' } as const;

function tree(child: GrantRequest['budget'] = CHILD) {
  const log = new TestLog();
  const top = openTestRun(log, {
    actions: { allow: ['*'] },
    resources: [{ type: '*', match: '**' }],
    ...lease(ROOT),
  });
  const below = delegateTestRun(log, top.grantId, lease(child, 2));
  const usage = (id = top.grantId) => {
    const { committed, reserved } = log.state.grants.get(id)?.usage as never as Record<string, Record<string, unknown>>;
    return { used: committed, held: reserved };
  };
  const asks = (parent: string, grant: GrantRequest): Event[] =>
    log.do('delegate', { grantId: parent, agent: { class: 'helper' }, purposeRef: REF, grant });
  const settle = (actionId: string | undefined, cost: Record<string, number>) =>
    log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost } });
  return { log, top, below, usage, asks, settle };
}
const NOTHING = { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };

describe('budget.reserve', () => {
  it('sets the caps of the child aside from its parent, and its calls charge the parent once', () => {
    const { log, top, below, usage, settle } = tree();
    expect(usage().held).toEqual({
      calls: 8,
      reads: 8,
      writes: 0,
      external: 0,
      cost: { USD: 40 },
      units: { tokens: 300 },
    });
    const permit = act(log, below.grantId, 'order.read', { cost: { USD: 30 }, units: { tokens: 100 } });
    expect(permit.data.remaining).toMatchObject({ calls: 7, cost: { USD: 10 }, units: { tokens: 200 } });
    expect(usage().held).toMatchObject({ calls: 7, cost: { USD: 40 }, units: { tokens: 300 } });
    expect(usage().used).toMatchObject({ calls: 1, cost: {} });
    settle(permit.actionId, { USD: 25 });
    expect(usage().held).toMatchObject({ calls: 7, cost: { USD: 15 }, units: { tokens: 200 } });
    expect(usage().used).toMatchObject({ calls: 1, cost: { USD: 25 }, units: { tokens: 100 } });
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    expect(log.state.grants.get(top.grantId)?.status).toBe('active');
  });

  it('leaves the parent only the rest, and refuses what is not left, naming each cap', () => {
    const { log, top, asks } = tree();
    expect(act(log, top.grantId, 'order.read', { cost: { USD: 61 } }).type).toBe('ActionDenied');
    expect(act(log, top.grantId, 'order.read', { cost: { USD: 60 } }).type).toBe('ActionPermitted');
    const refused = only(asks(top.grantId, lease({ ...CHILD, calls: 12, cost: { USD: 1 } }, 1)), 'DelegationRefused');
    expect(refused.data.code).toBe('BUDGET_EXHAUSTED');
    expect(refused.data.reasons.map(({ path }) => path)).toEqual(['budget.calls', 'budget.cost.USD']);
  });

  it('guarantees the child its budget although others use the parent up', () => {
    const { log, top, below } = tree();
    for (let n = 0; n < 12; n++) act(log, top.grantId, 'order.read');
    expect(act(log, top.grantId, 'order.read').type).toBe('ActionDenied');
    for (let n = 0; n < 8; n++) expect(act(log, below.grantId, 'order.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(below.grantId)?.status).toBe('exhausted');
    expect(log.state.grants.get(top.grantId)?.status).toBe('exhausted');
  });

  const ends: [string, (t: ReturnType<typeof tree>) => void][] = [
    ['completes', ({ log, below }) => void log.do('completeRun', { runId: below.runId })],
    ['is revoked', ({ log, below }) => void log.do('revokeGrant', { grantId: below.grantId, actor: PERSON })],
    [
      'expires after a rule has struck it',
      ({ log }) => {
        const revocationId = `rev_0_${'0'.repeat(26)}`;
        log.do('revokeSelector', {
          revocationId,
          selector: { agentClass: 'helper' },
          force: true,
          actor: PERSON,
        });
        log.now += 3_600_000 - 1;
      },
    ],
    [
      'is exhausted',
      ({ log, below }) => {
        while (log.state.grants.get(below.grantId)?.status === 'active') act(log, below.grantId, 'order.read');
      },
    ],
  ];
  it.each(ends)('returns what is left when the child %s, and keeps what its calls in flight hold', (_, end) => {
    const t = tree();
    const { log, below, usage, settle } = t;
    const open = act(log, below.grantId, 'order.read', { cost: { USD: 30 } });
    end(t);
    if (log.state.grants.get(below.grantId)?.status === 'active') {
      // a rule is not enumerated: what is left returns with the event of its expiry
      expect(usage().held).toMatchObject({ cost: { USD: 40 }, units: { tokens: 300 } });
      log.now += 1;
      log.tickAll();
      expect(usage().held).toEqual(NOTHING);
      return;
    }
    expect(usage().held).toEqual({ ...NOTHING, cost: { USD: 30 } });
    settle(open.actionId, { USD: 20 });
    expect(usage()).toMatchObject({ held: NOTHING, used: { cost: { USD: 20 } } });
  });

  it('reaches through every level: what a grandchild has aside comes from its parent’s part', () => {
    const { log, top, below, usage, asks } = tree();
    const leaf = delegateTestRun(log, below.grantId, lease({ ...CHILD, calls: 5, cost: { USD: 10 } }, 1));
    expect(usage().held).toMatchObject({ calls: 8, cost: { USD: 40 } });
    expect(usage(below.grantId).held).toMatchObject({ calls: 5, cost: { USD: 10 } });
    expect(only(asks(below.grantId, lease({ ...CHILD, calls: 4 }, 1)), 'DelegationRefused').data.code).toBe(
      'BUDGET_EXHAUSTED',
    );
    act(log, leaf.grantId, 'order.read', { cost: { USD: 10 } });
    expect(usage().held).toMatchObject({ calls: 7, cost: { USD: 40 } });
    log.do('completeRun', { runId: below.runId });
    // the grandchild can do nothing more; what it has aside returns when its own end is recorded
    expect(usage().held).toMatchObject({ calls: 4, cost: { USD: 10 } });
    log.do('completeRun', { runId: top.runId });
  });

  it('counts an overrun of the child beyond what is set aside, and suspends a parent that it takes over its cap', () => {
    const { log, top, below, usage, settle } = tree();
    const own = act(log, top.grantId, 'order.read', { cost: { USD: 60 } });
    settle(own.actionId, { USD: 60 });
    const open = act(log, below.grantId, 'order.read', { cost: { USD: 30 } });
    const events = settle(open.actionId, { USD: 45 });
    expect(only(events, 'GrantExhausted').grantId).toBe(below.grantId);
    expect(only(events, 'GrantSuspended').grantId).toBe(top.grantId);
    expect(usage()).toMatchObject({ used: { cost: { USD: 105 } }, held: { cost: {} } });
  });

  it('follows a raise: the difference is set aside, or the raise is refused', () => {
    const { log, below, usage } = tree();
    const raise = (budget: GrantRequest['budget']) => {
      const asked = only(log.do('escalate', { runId: below.runId, want: { budget } }), 'ApprovalRequested');
      const { approvalId } = asked.data;
      return log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
    };
    only(raise({ calls: 15, cost: { USD: 90 } }), 'GrantIssued');
    expect(usage().held).toMatchObject({ calls: 15, cost: { USD: 90 } });
    log.do('completeRun', { runId: below.runId });
    expect(usage().held).toEqual(NOTHING);
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
  });

  it('is refused for a root, and is not inherited', () => {
    const log = new TestLog();
    const root = {
      agent: { class: 'worker' },
      principalRef: REF,
      purposeRef: REF,
      grant: lease({ ...ROOT, reserve: true }),
    };
    expect(log.try('openRun', root)).toMatchObject({ refusal: { code: 'BAD_REQUEST' } });
    const t = tree();
    const leaf = delegateTestRun(t.log, t.below.grantId, lease({ calls: 2 }, 1));
    expect(t.log.state.grants.get(leaf.grantId)?.limits.budget.reserve).toBeUndefined();
  });
});
