import type { EventOf } from '@bailiwick/contracts/events/event';
import { grantRequest, type GrantRequest } from '@bailiwick/contracts/grants/grant';
import { usedUp } from '../../presentation/views';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { stateDigest } from '../../state/digest';
import { act, delegateTestRun, only, openTestRun, TestLog } from '../../testing/harness';

const counts = { calls: 100, reads: 100, writes: 100, external: 100 };
const lease = (budget: GrantRequest['budget']): GrantRequest => ({
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { ...counts, ...budget },
  delegation: { depth: 2, children: 5, classes: ['*'] },
});
const ENFORCER = { kind: 'service', id: 'key:enforcer', role: 'enforcer' } as const;

/** Opens a root and a run below it. */
function pair(root: GrantRequest['budget'], child: GrantRequest['budget'] = {}) {
  const log = new TestLog();
  const top = openTestRun(log, lease(root));
  const below = delegateTestRun(log, top.grantId, {
    budget: child,
    delegation: { depth: 1, children: 1, classes: [] },
  });
  const usage = (id: string) => log.state.grants.get(id)?.usage;
  const call = (units?: Record<string, number>, grantId = below.grantId) =>
    act(log, grantId, 'model.read', units ? { units } : {});
  const settle = (
    permit: { actionId?: string | undefined },
    units?: Record<string, number>,
    actor: object = ENFORCER,
  ) =>
    log.do('settle', {
      actionId: permit.actionId as string,
      outcome: { status: 'completed', ...(units ? { units } : {}) },
      actor: actor as typeof ENFORCER,
    });
  return { log, top, below, usage, call, settle };
}
const codeOf = (event: EventOf<'ActionDenied' | 'ActionPermitted' | 'ActionStepUp'>) =>
  event.data.reasons.flatMap(({ reasons = [] }) => reasons.map(({ code, path }) => [code, path]));

describe('units of a budget', () => {
  it('are reserved by the permit and replaced by the outcome, for the lease and its ancestors', () => {
    const { top, below, usage, call, settle } = pair({ units: { tokens: 1_000, pages: 5 } });
    const permit = call({ tokens: 400 });
    expect(permit.type).toBe('ActionPermitted');
    expect(permit.data.remaining.units).toEqual({ tokens: 600, pages: 5 });
    for (const id of [top.grantId, below.grantId]) expect(usage(id)?.reserved.units).toEqual({ tokens: 400 });
    settle(permit, { tokens: 150 });
    for (const id of [top.grantId, below.grantId]) {
      expect(usage(id)?.reserved.units).toBeUndefined();
      expect(usage(id)?.committed.units).toEqual({ tokens: 150 });
    }
  });

  it('count as reserved if a completed action reports none', () => {
    const { below, usage, call, settle } = pair({ units: { tokens: 1_000 } });
    settle(call({ tokens: 400 }));
    expect(usage(below.grantId)?.committed.units).toEqual({ tokens: 400 });
  });

  it('that the lease does not name are denied, also if it names none at all', () => {
    expect(codeOf(pair({ units: { tokens: 10 } }).call({ seats: 1 }))).toContainEqual([
      'UNIT_NOT_ALLOWED',
      'budget.units.seats',
    ]);
    const none = pair({});
    expect(codeOf(none.call({ tokens: 1 }))).toContainEqual(['UNIT_NOT_ALLOWED', 'budget.units.tokens']);
    expect(none.call({ tokens: 0 }).type).toBe('ActionPermitted');
  });

  it('beyond a cap are denied: of the lifetime, of one action, of a window', () => {
    const { call } = pair({
      units: { tokens: 100 },
      perAction: { units: { tokens: 60 } },
      windows: [{ per: '1m', units: { tokens: 80 } }],
    });
    expect(codeOf(call({ tokens: 61 }))).toContainEqual(['PER_ACTION_EXCEEDED', 'budget.perAction.units.tokens']);
    expect(call({ tokens: 60 }).type).toBe('ActionPermitted');
    expect(codeOf(call({ tokens: 30 }))).toContainEqual(['WINDOW_EXHAUSTED', 'budget.windows[1m].units.tokens']);
    expect(codeOf(call({ tokens: 41 }))).toContainEqual(['BUDGET_EXHAUSTED', 'budget.units.tokens']);
  });

  it('end the lease when its cap is reached, and suspend an ancestor that an overrun takes over its cap', () => {
    const { log, top, below, call, settle } = pair({ units: { tokens: 100 } }, { units: { tokens: 50 } });
    settle(call({ tokens: 60 }, top.grantId));
    const events = settle(call({ tokens: 10 }), { tokens: 45 });
    expect(only(events, 'ActionCompleted').data.overrun).toBe(true);
    expect(only(events, 'GrantExhausted').grantId).toBe(below.grantId);
    expect(only(events, 'GrantSuspended').grantId).toBe(top.grantId);
    expect(log.state.grants.get(top.grantId)?.usage.committed.units).toEqual({ tokens: 105 });
  });

  it('reported by the run itself charge no more than its lease could use; the rest is a finding', () => {
    const { below, usage, call, settle } = pair({ units: { tokens: 100 } }, { units: { tokens: 50 } });
    const events = settle(call({ tokens: 10 }), { tokens: 99, seats: 3 }, { kind: 'run', id: below.runId });
    expect(only(events, 'ActionCompleted').data.findings).toEqual([
      { code: 'BEYOND_LEASE', unit: 'tokens', amount: 49 },
      { code: 'UNIT_NOT_NAMED', unit: 'seats', amount: 3 },
    ]);
    expect(usage(below.grantId)?.committed.units).toEqual({ tokens: 50 });
  });

  it('survive a snapshot, and are absent from the state of a lease that has none', () => {
    const { log, top, below, call } = pair({ units: { tokens: 100 } });
    call({ tokens: 7 });
    const read = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(read)).toBe(stateDigest(log.state));
    expect(read.grants.get(top.grantId)?.usage.reserved.units).toEqual({ tokens: 7 });
    expect(usedUp(log.state.grants.get(below.grantId) as never).units).toEqual({ tokens: 7 });
    const none = pair({});
    none.call();
    expect(JSON.stringify([...none.log.state.grants.values()])).not.toContain('units');
    expect(none.log.events.some((event) => JSON.stringify(event).includes('units'))).toBe(false);
  });

  it('of a child cannot exceed those of its parent', () => {
    const log = new TestLog();
    const top = openTestRun(log, lease({ units: { tokens: 100 }, perAction: { units: { tokens: 10 } } }));
    const refused = log.do('delegate', {
      grantId: top.grantId,
      agent: { class: 'helper' },
      purposeRef: `ref_${'0'.repeat(26)}`,
      grant: { budget: { units: { tokens: 101, seats: 1 }, perAction: { units: { tokens: 11 } } } },
    });
    const paths = only(refused, 'DelegationRefused').data.reasons.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['budget.units.tokens', 'budget.units.seats', 'budget.perAction.units.tokens']),
    );
  });

  it.each(['Tokens', 'to kens', 'constructor', 'tökens', ''])('are not named %j', (name) => {
    const units = JSON.parse(`{${JSON.stringify(name)}:1}`) as object;
    expect(grantRequest.safeParse({ budget: { units } }).success).toBe(false);
  });
});
