import fc from 'fast-check';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { evolveUnasked } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { emptyState } from '@bailiwick/authority/state/state';
import { candidateOf, type Candidate } from '@bailiwick/authority/what-if/candidate';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import type { Event } from '@bailiwick/contracts/events/event';
import { replayRequest, type ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { DEFAULT_BUNDLE, DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory, judgeUnder } from '@bailiwick/trajectory/sequence-rules';

fc.configureGlobal({ seed: 4_004, numRuns: 100 });

/** Runs a what-if as a client requests it: through the contract, over stored events. */
function whatIf(
  events: readonly Event[],
  request: unknown,
  state = emptyState('default/0', 'default', 0),
  candidate?: Candidate,
): ReplayAnswer {
  const parsed = replayRequest.parse(request);
  const rules = { judge: judgeUnder(parsed.change.policy), catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
  const asked = new WhatIf(state, parsed, rules, candidate);
  for (const event of events) asked.take(JSON.parse(JSON.stringify(event)) as Event);
  return asked.end();
}

const logOf = (list: Parameters<typeof play>[1][]): SealedLog => {
  const log = new SealedLog(judgeTrajectory);
  for (const move of list) play(log, move);
  return log;
};
const decisions = (events: readonly Event[]): number =>
  events.filter(({ type }) => ['ActionPermitted', 'ActionDenied', 'ActionStepUp'].includes(type)).length;

describe('what if', () => {
  it('finds no difference without a change, in any log, from any position', () => {
    let seen = 0;
    fc.assert(
      fc.property(moves(120), fc.nat(200), (list, from) => {
        const { events } = logOf(list);
        const at = from % 2 ? 0 : Math.min(from, events.length - 1);
        const state = emptyState('default/0', 'default', 0);
        const result = whatIf(events, { change: {}, from: at }, state);
        // the final state also equals the recorded one, so that no later decision could differ
        expect(stateDigest(state)).toBe(
          stateDigest(events.reduce(evolveUnasked, emptyState('default/0', 'default', 0))),
        );
        seen += result.decided;
        expect(result).toMatchObject({ differ: 0, byKind: {}, differences: [], outcomesFallenAway: 0, undecidable: 0 });
        if (at === 0) expect(result.decided).toBe(decisions(events));
      }),
    );
    expect(seen).toBeGreaterThan(500);
  });

  it('finds no difference under the policy by which everything was decided', () => {
    const candidate = candidateOf(DEFAULT_BUNDLE.canonical);
    fc.assert(
      fc.property(moves(100), (list) => {
        const { events } = logOf(list);
        const result = whatIf(events, { change: {} }, undefined, candidate);
        expect(result).toMatchObject({ differ: 0, byKind: {}, groups: [], decided: decisions(events) });
        expect(result.assumes.join('\n')).not.toContain('does not show');
      }),
      { numRuns: 40 },
    );
  });

  it('finds no difference if a change sets the values that already apply', () => {
    fc.assert(
      fc.property(moves(80), (list) => {
        const { events } = logOf(list);
        const change = { drift: { stepUpAt: 0.6, suspendAt: 0.85 }, policy: { approvalFrom: 'high', ceiling: 'high' } };
        expect(whatIf(events, { change })).toMatchObject({ differ: 0, byKind: {} });
      }),
    );
  });

  it('handles any change on any log: each decision has one result, and the counts add up', () => {
    const limits = fc.record(
      {
        budget: fc.record({ calls: fc.nat(6) }, { requiredKeys: [] }),
        actions: fc.record({ deny: fc.constantFrom([], ['file.*'], ['email.*']) }, { requiredKeys: [] }),
        delegation: fc.record({ depth: fc.nat(2), children: fc.nat(3) }, { requiredKeys: [] }),
        time: fc.constantFrom({ ttl: '1m' }, { ttl: '2h' }),
      },
      { requiredKeys: [] },
    );
    const select = fc.constantFrom({}, { agentClass: 'worker' }, { root: true }, { verb: 'file.read' });
    const grant = fc.oneof(
      fc.record({ select, limits }),
      fc.record({ select: fc.constant({ agentClass: 'helper' }), withhold: fc.constant(true as const) }),
    );
    const change = fc.record(
      {
        grant,
        policy: fc.constantFrom(
          { approvalFrom: 'medium' },
          { ceiling: 'irreversible', approvalFrom: 'irreversible' },
          { sequences: { LETHAL_TRIFECTA: 'off' } },
          { defaults: { risk: { approvalFrom: 'low' } } },
        ),
        drift: fc.constantFrom({ suspendAt: 0.3 }, { stepUpAt: 1, suspendAt: 1 }),
      },
      { requiredKeys: [] },
    );
    const kinds = new Set<string>();
    fc.assert(
      fc.property(moves(120), change, fc.nat(60), (list, asked, from) => {
        const { events } = logOf(list);
        const result = whatIf(events, {
          change: asked,
          from: from % 3 ? 0 : Math.min(from, events.length - 1),
          limit: 1_000,
        });
        const actions = result.differences.filter(({ about }) => about === 'action');
        expect(result.differ).toBe(actions.length);
        const sum = (all: Record<string, number>): number => Object.values(all).reduce((a, b) => a + b, 0);
        expect(sum(result.byKind)).toBe(result.differences.length);
        for (const { kind } of result.differences) kinds.add(kind);
        expect(Object.values(result.byTree).reduce((total, each) => total + sum(each), 0)).toBe(
          result.differences.length,
        );
      }),
    );
    // the expected kinds of difference do occur
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining([
        'deny->permit',
        'issued->falls-away',
        'issued->refused',
        'on->suspended',
        'permit->deny',
        'permit->falls-away',
        'permit->step-up',
        'step-up->permit',
        'suspended->on',
      ]),
    );
  });
});
