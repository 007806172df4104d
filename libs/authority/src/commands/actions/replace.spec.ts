import fc from 'fast-check';
import { BOUNDARY } from '@bailiwick/contracts/commands/command';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { answerOf } from '../../presentation/responses';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';

fc.configureGlobal({ seed: 20261131 });

const ANN = { kind: 'person', id: 'person:ann' } as const;
const FITS_ONE: GrantRequest = { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 5 } } };
const PAID = { cost: { USD: 3 } };
const types = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);

function world(grant: GrantRequest = FITS_ONE) {
  const log = new TestLog();
  const run = openTestRun(log, grant);
  const first = act(log, run.grantId, 'order.create', PAID).actionId as string;
  const fields = (verb = 'order.create') => ({
    grantId: run.grantId,
    resource: { type: 'file', id: 'a/b' },
    proof: { vouched: true } as const,
    action: { verb },
    actor: BOUNDARY,
    replaces: first,
    ...PAID,
  });
  const again = (more: object = {}) => log.try('authorize', { ...fields(), ...more });
  const settle = (actionId: string, status: 'completed' | 'failed' = 'completed') =>
    log.do('settle', { actionId, outcome: { status }, actor: BOUNDARY });
  const spent = () => log.state.grants.get(run.grantId)?.usage;
  return { log, ...run, first, fields, again, settle, spent };
}

describe('a call that continues another one', () => {
  it('is charged in its place, in one append, also if the budget fits only one', () => {
    const { log, again, first, settle, spent } = world();
    expect(act(log, log.state.grants.keys().next().value as string, 'order.create', PAID).type).toBe('ActionDenied');
    let payloads: unknown;
    log.watch = (_command, decided) => (payloads = decided.ok && decided.value.map(({ payload }) => payload));
    const result = again();
    if ('refusal' in result) throw new Error(result.refusal.detail);
    expect(types(result.events)).toEqual(['ActionFailed', 'ActionPermitted']);
    expect(payloads).toEqual([undefined, true]);
    const [ended, permit] = result.events;
    expect(ended?.actionId).toBe(first);
    const answer = answerOf(log.state, result.events, undefined as never);
    expect(answer).toMatchObject({ ok: true, value: { decision: 'permit', actionId: permit?.actionId } });
    expect(spent()).toMatchObject({ committed: { cost: {} }, reserved: { cost: { USD: 3 } } });
    settle(permit?.actionId as string);
    expect(spent()).toMatchObject({ committed: { calls: 2, cost: { USD: 3 } }, reserved: { cost: {} } });
  });

  it('leaves the permit before in flight if it is denied, so that what was done under it is charged', () => {
    const { log, again, first, settle, spent } = world();
    log.do('revokeSelector', {
      revocationId: `rev_0_${'0'.repeat(26)}`,
      selector: { verb: 'order.create' },
      force: true,
      actor: ANN,
    });
    const result = again();
    expect('events' in result && types(result.events)).toEqual(['ActionDenied']);
    expect(spent()).toMatchObject({ committed: { cost: {} }, reserved: { cost: { USD: 3 } } });
    settle(first);
    expect(spent()).toMatchObject({ committed: { cost: { USD: 3 } }, reserved: { cost: {} } });
  });

  it('continues under the lease that has replaced its first one, by either id, and by any spelling of its tool', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, FITS_ONE);
    const tool = 'shop  order ';
    const ask = (lease: string, more: object): string => {
      const given = act(log, lease, 'order.create', {
        ...more,
        action: { verb: 'order.create', tool },
        actor: BOUNDARY,
      });
      expect(given.type).toBe('ActionPermitted');
      return given.actionId as string;
    };
    const first = ask(grantId, {});
    const wanted = only(
      log.do('escalate', { runId, want: { budget: { ...FITS_ONE.budget, calls: 500 } } }),
      'ApprovalRequested',
    );
    const { approvalId } = wanted.data;
    const raised = only(log.do('decideApproval', { approvalId, verdict: 'approve' }), 'GrantIssued').grantId as string;
    const second = ask(grantId, { replaces: first });
    expect(log.state.actions.get(second)?.grantId).toBe(raised);
    const third = ask(raised, { replaces: second });
    expect([...log.state.actions.keys()]).toEqual([third]);
  });

  it('does not end a lease that ends on the call, and a denied one does with the outcome before', () => {
    const endsOn = [{ actions: ['order.create'], resources: [{ type: '*', match: '**' }] }];
    const grant = { ...FITS_ONE, time: { ttl: '30m', endsOn } };
    const { again, settle } = world(grant);
    const result = again();
    const next = 'events' in result ? result.events[1]?.actionId : undefined;
    expect(types(settle(next as string))).toEqual(['ActionCompleted', 'RunCompleted']);
    const other = world(grant);
    other.again({ resource: { type: 'file', id: 'a/b' }, cost: { USD: 900 } });
    expect(types(other.settle(other.first))).toEqual(['ActionCompleted', 'RunCompleted']);
  });

  it('is charged in addition if the one before has its outcome already', () => {
    const { first, again, settle, spent } = world({ ...ROOMY });
    settle(first);
    const result = again();
    expect('events' in result && types(result.events)).toEqual(['ActionPermitted']);
    expect(spent()).toMatchObject({ committed: { cost: { USD: 3 } }, reserved: { cost: { USD: 3 } } });
  });

  it('is refused if anyone but the boundary states it, and for a permit of another lease or tool', () => {
    const { log, again, runId, grantId, spent } = world({ ...ROOMY });
    const other = openTestRun(log);
    for (const more of [
      { actor: { kind: 'run', id: runId } },
      { actor: { kind: 'service', id: 'key:boundary' } },
      { actor: { kind: 'person', id: 'boundary' } },
      { grantId: other.grantId },
      { action: { verb: 'order.create', tool: 'mcp__shop__order' } },
    ]) {
      const result = again(more);
      expect('events' in result && types(result.events)).toEqual(['Refused']);
    }
    expect(log.state.grants.get(grantId)?.inFlight).toBe(1);
    expect(spent()).toMatchObject({ reserved: { cost: { USD: 3 } } });
  });

  it('has the decision and the accounts that it would have after the one before had failed, or changes nothing', () => {
    const amount = fc.integer({ min: 1, max: 6 });
    const world = fc.record({
      cap: amount,
      window: fc.option(amount, { nil: undefined }),
      each: fc.option(amount, { nil: undefined }),
      team: fc.option(amount, { nil: undefined }),
      child: fc.option(fc.record({ cap: amount, reserve: fc.boolean() }), { nil: undefined }),
      calls: fc.integer({ min: 2, max: 4 }),
      costs: fc.tuple(amount, fc.constantFrom(1, 2, 3, 8, 9)),
      verb: fc.constantFrom('order.create', 'mail.send', 'file.read'),
      later: fc.constantFrom(0, 1_000, 400_000),
    });
    const seen = { permit: 0, deny: 0 };
    fc.assert(
      fc.property(world, ({ cap, window, each, team, child, calls, costs, verb, later }) => {
        const before = () => {
          const log = new TestLog();
          if (team !== undefined)
            log.do('setTenantBudget', { name: 'team', selector: {}, budget: { cost: { USD: team } }, actor: ANN });
          const windows = window === undefined ? [] : [{ per: '5m', cost: { USD: window } }];
          const budget = {
            ...ROOMY.budget,
            calls,
            cost: { USD: cap },
            windows,
            ...(each === undefined ? {} : { perAction: { cost: { USD: each } } }),
          };
          const top = openTestRun(log, { ...ROOMY, budget });
          const below =
            child &&
            log.try('delegate', {
              grantId: top.grantId,
              agent: { class: 'helper' },
              purposeRef: `ref_${'0'.repeat(26)}`,
              grant: {
                budget: { ...ROOMY.budget, calls, cost: { USD: Math.min(child.cap, cap) }, reserve: child.reserve },
                delegation: { depth: 1, children: 1, classes: ['*'] },
              },
            });
          const issued =
            below && 'events' in below ? below.events.find(({ type }) => type === 'GrantIssued') : undefined;
          const grantId = issued?.grantId ?? top.grantId;
          const first = act(log, grantId, verb, { cost: { USD: costs[0] } });
          log.now += later;
          const ask = (more: object) => act(log, grantId, verb, { cost: { USD: costs[1] }, actor: BOUNDARY, ...more });
          const usages = () =>
            [...log.state.grants.values()].map(({ usage, inFlight, status }) => ({ usage, inFlight, status }));
          return { log, first, ask, usages };
        };
        const [one, two] = [before(), before()];
        if (one.first.type !== 'ActionPermitted') return;
        two.log.do('settle', {
          actionId: two.first.actionId as string,
          outcome: { status: 'failed' },
          actor: BOUNDARY,
        });
        const expected = two.ask({});
        let unchanged = true;
        one.log.watch = (_command, decided) => {
          unchanged = decided.ok && stateDigest(one.log.state) === untouched;
        };
        const untouched = stateDigest(one.log.state);
        const decision = one.ask({ replaces: one.first.actionId });
        expect(unchanged).toBe(true);
        expect(decision.type).toBe(expected.type);
        seen[decision.type === 'ActionPermitted' ? 'permit' : 'deny'] += 1;
        if (decision.type === 'ActionPermitted') expect(one.usages()).toEqual(two.usages());
        else expect(one.log.state.actions.has(one.first.actionId as string)).toBe(true);
      }),
      { numRuns: 120 },
    );
    expect(Math.min(seen.permit, seen.deny)).toBeGreaterThan(5);
  });
});

describe('a permit that the boundary got', () => {
  it('has its outcome from an enforcement point, and not from the agent, whose call a stop could then not find', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, FITS_ONE);
    const { actionId } = act(log, grantId, 'order.create', { ...PAID, actor: BOUNDARY });
    const own = act(log, grantId, 'file.read', { actor: { kind: 'run', id: runId } });
    const end = (id: string | undefined) =>
      log.try('settle', {
        actionId: id as string,
        outcome: { status: 'failed' },
        actor: { kind: 'run', id: runId },
      });
    expect(end(actionId)).toMatchObject({ events: [{ type: 'Refused', data: { code: 'FORBIDDEN' } }] });
    expect(fromSnapshot(toSnapshot(log.state)).actions.get(actionId as string)).toEqual(
      log.state.actions.get(actionId as string),
    );
    expect(end(own.actionId)).toMatchObject({ events: [{ type: 'ActionFailed' }] });
    expect(log.state.actions.has(actionId as string)).toBe(true);
  });
});
