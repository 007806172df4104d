import fc from 'fast-check';
import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState } from '@bailiwick/authority/state/state';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import { Rulebook } from '@bailiwick/audit/audit-rules';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS } from '@bailiwick/contracts/grants/grant';
import * as ledger from './ledger';
import { budgeted, moves } from './moves';
import { Tally } from './naive';
import { Play } from './play';
import { drawn, inForce, matching, overdrawn } from './purses';

/**
 * Fails if a permit leaves out a budget that matches it; if reserved money does not count; if a change of a budget
 * resets its usage; if a removed budget comes back with its usage.
 */
fc.configureGlobal({ seed: 20260129 });

const EVERYTHING: NonNullable<Parameters<typeof moves>[1]> = [
  ...(['open', 'delegate', 'act', 'act', 'act', 'try again', 'settle', 'complete', 'escalate', 'answer'] as const),
  ...([
    'suspend',
    'resume',
    'revoke',
    'strike',
    'drift',
    'wait',
    'tick',
    'repeat',
    'set budget',
    'remove budget',
  ] as const),
];
const ROOMY = { calls: 50, reads: 50, writes: 50, external: 50, cost: { USD: 60 }, units: { tokens: 90 } };
const story = fc.oneof(
  budgeted(moves(50, ['set budget', 'act', 'act', 'act', 'act', 'settle']), fc.constant(ROOMY)),
  moves(60, ['open', 'set budget', 'act', 'act', 'act', 'act', 'settle', 'settle', 'remove budget', 'wait']),
  moves(50, ['open', 'set budget', 'delegate', 'act', 'act', 'act', 'settle']),
  moves(60, [...EVERYTHING, ...EVERYTHING, 'act', 'act', 'settle', 'set budget']),
);

/** Runs a check after each permit, with the log before it. */
function eachPermit(check: (before: readonly Event[], permit: EventOf<'ActionPermitted'>) => void): void {
  const property = fc.property(story, (all) => {
    const { events } = new Play().play(all).log;
    events.forEach((event, i) => {
      if (event.type === 'ActionPermitted') check(events.slice(0, i), event);
    });
  });
  fc.assert(property, { numRuns: 260 });
}

describe('I3: the runs of a tenant draw from its budgets together', () => {
  it('every permit names exactly the budgets that match its root run and its labels', () => {
    const tally = new Tally();
    eachPermit((before, permit) => {
      const names = matching(before, permit).map(({ name }) => name);
      expect([...(permit.data.tenantBudgets ?? [])].sort()).toEqual(names.sort());
      tally.add(names.length > 1 ? 'several' : names.length === 1 ? 'one' : 'none');
    });
    tally.atLeast(30, 'none', 'one', 'several');
  });

  it('no permit exceeds a cap of any of them', () => {
    const tally = new Tally();
    eachPermit((before, permit) => {
      const entries = ledger.entries([...before, permit]);
      for (const purse of matching(before, permit)) {
        const mine = drawn(entries, purse);
        expect(overdrawn(mine, purse, permit, (what) => tally.add(what))).toBeUndefined();
        if (new Set(mine.map((entry) => entry.permit.treeId)).size > 1) tally.add('from several trees');
        if (purse.set.position > purse.since) tally.add('from a changed budget');
      }
    });
    tally.atLeast(5, 'a count', 'money', 'a window', 'from several trees', 'from a changed budget');
  });

  it('a call is denied for a lifetime cap only if it does not fit', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      events.forEach((event, i) => {
        if (event.type !== 'ActionDenied') return;
        const before = events.slice(0, i);
        for (const { rule, code, path = '' } of event.data.reasons) {
          if (rule !== 'tenant-budget') continue;
          expect(code).toBe('TENANT_BUDGET_EXHAUSTED');
          const [, name = '', ...rest] = path.split('.');
          const purse = inForce(before).find((each) => each.name === name);
          if (!purse || path.includes('[')) continue;
          const mine = drawn(ledger.entries(before), purse);
          const what = rest.at(-1) ?? '';
          const { charge } = event.data;
          const isCount = COUNTERS.includes(what as 'calls');
          const used = isCount
            ? ledger.count(mine, what as 'calls') + charge[what as 'calls']
            : ledger.spent(mine, what) + ledger.held(mine, what) + (ledger.amounts(charge)[what] ?? 0);
          const { budget } = purse.set.data;
          expect(used).toBeGreaterThan((isCount ? budget[what as 'calls'] : ledger.amounts(budget)[what]) ?? Infinity);
          tally.add(isCount ? 'a count' : 'money');
        }
      });
    });
    fc.assert(property, { numRuns: 200 });
    tally.atLeast(10, 'a count', 'money');
  });

  it('the accounts of the state equal the sums of the events, after every move', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      let looked = 0;
      play.play(all, () => {
        const { state, events } = play.log;
        if (events.length === looked) return;
        looked = events.length;
        const entries = ledger.entries(events);
        const purses = inForce(events);
        expect([...state.purses.values()].map(({ name }) => name).sort()).toEqual(
          purses.map(({ name }) => name).sort(),
        );
        for (const purse of purses) {
          const mine = drawn(entries, purse);
          const sums = (of: typeof ledger.spent) =>
            Object.fromEntries(
              ledger
                .currencies(mine)
                .map((each) => [each, of(mine, each)] as const)
                .filter(([, sum]) => sum > 0),
            );
          const usage = state.purses.get(purse.name)?.usage;
          expect(usage?.committed).toMatchObject(ledger.counts(mine));
          expect(ledger.amounts(usage?.committed ?? {})).toEqual(sums(ledger.spent));
          expect(usage?.reserved).toMatchObject({ calls: 0, reads: 0, writes: 0, external: 0 });
          expect(ledger.amounts(usage?.reserved ?? {})).toEqual(sums(ledger.held));
          if (usage?.committed.units) tally.add('units');
          if (mine.some(({ spent }) => spent === undefined)) tally.add('in flight');
          if (mine.length > 0) tally.add('drawn from');
          if (events.some((event) => event.type === 'TenantBudgetRemoved' && event.data.name === purse.name))
            tally.add('set again');
        }
      });
    });
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(30, 'in flight', 'drawn from', 'set again', 'units');
  });

  it('every fold, also from a snapshot, gives the live accounts; the audit finds nothing, and a what-if no difference', () => {
    let drew = 0;
    const property = fc.property(story, fc.nat(60), (all, at) => {
      const { events, state } = new Play().play(all).log;
      const empty = () => emptyState(state.log, state.tenant, state.n);
      let folded = empty();
      const book = new Rulebook();
      const found: string[] = [];
      const whatIf = new WhatIf(empty(), replayRequest.parse({ change: {} }), {
        judge: judgeTrajectory,
        catalog: DEFAULT_CATALOG,
        defaults: tenantDefaults,
      });
      for (const event of events) {
        if (event.position === at) folded = fromSnapshot(toSnapshot(folded));
        evolve(folded, event);
        book.check(event, (check, detail) => found.push(`${check}: ${detail}`));
        whatIf.take(structuredClone(event));
        if (event.type === 'ActionPermitted' && event.data.tenantBudgets) drew += 1;
      }
      expect(stateDigest(folded)).toBe(stateDigest(state));
      expect(found).toEqual([]);
      expect(whatIf.end().differences).toEqual([]);
    });
    fc.assert(property, { numRuns: 50 });
    expect(drew).toBeGreaterThan(50);
  });
});
