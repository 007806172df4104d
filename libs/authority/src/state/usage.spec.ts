import fc from 'fast-check';
import type { BudgetLimit, Consumed, Effect } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { budget as dimension } from '../dimensions/budget';
import { facts, NOW, situation } from '../testing/facts';
import {
  carryUsage,
  chargeOf,
  commit,
  countsReached,
  emptyUsage,
  moneyAfter,
  nothing,
  remainingOf,
  reserve,
  windowUsed,
} from './usage';

fc.configureGlobal({ seed: 20260101 });

const HOUR = 3_600_000;
const BUDGET: BudgetLimit = {
  calls: 3,
  reads: 3,
  writes: 0,
  external: 9,
  cost: { USD: 100, EUR: 0 },
  windows: [{ per: '1h', cost: { USD: 60 } }],
};
const spent = (charge: Consumed, cost: Record<string, number>): Consumed => ({ ...charge, cost });

describe('accounting', () => {
  it.each<[Effect, Partial<Consumed>]>([
    ['read', { calls: 1, reads: 1 }],
    ['write', { calls: 1, writes: 1 }],
    ['exec', { calls: 1, writes: 1 }],
    ['external', { calls: 1, external: 1 }],
  ])('charges a %s as %j', (effect, charge) => {
    expect(chargeOf(effect, { USD: 3, EUR: 0 })).toEqual({ ...nothing(), ...charge, cost: { USD: 3 } });
  });

  it('commits counts at the permit and money at the outcome', () => {
    const usage = emptyUsage(BUDGET);
    const charge = chargeOf('read', { USD: 30 });
    reserve(usage, BUDGET, charge, NOW);
    expect([usage.committed, usage.reserved]).toEqual([
      { ...nothing(), calls: 1, reads: 1 },
      { ...nothing(), cost: { USD: 30 } },
    ]);
    commit(usage, BUDGET, charge, spent(charge, { USD: 20 }), NOW, NOW + 5);
    expect([usage.committed.cost, usage.reserved.cost]).toEqual([{ USD: 20 }, {}]);
    expect(windowUsed(usage.windows[0]?.buckets ?? [], { per: '1h' }, NOW + 5).cost).toEqual({ USD: 20 });
  });

  it('releases the money that a failed action reserved, and counts its attempt', () => {
    const usage = emptyUsage(BUDGET);
    const charge = chargeOf('read', { USD: 30 });
    reserve(usage, BUDGET, charge, NOW);
    commit(usage, BUDGET, charge, spent(charge, {}), NOW, NOW + 5);
    expect([usage.committed, usage.reserved]).toEqual([{ ...nothing(), calls: 1, reads: 1 }, nothing()]);
  });

  it('counts a cost above the reservation in full, even if the permit has left the window', () => {
    const usage = emptyUsage(BUDGET);
    const charge = chargeOf('read', { USD: 30 });
    reserve(usage, BUDGET, charge, NOW);
    const later = NOW + 3 * HOUR;
    reserve(usage, BUDGET, chargeOf('read', {}), later);
    commit(usage, BUDGET, charge, spent(charge, { USD: 75 }), NOW, later);
    expect(usage.committed.cost).toEqual({ USD: 75 });
    expect(windowUsed(usage.windows[0]?.buckets ?? [], { per: '1h' }, later).cost).toEqual({ USD: 45 });
  });

  it('reports a cap as reached by the charge that reaches it, and never an unused cap of 0', () => {
    const usage = emptyUsage(BUDGET);
    const read = chargeOf('read', {});
    expect(countsReached(usage, BUDGET, read)).toEqual([]);
    reserve(usage, BUDGET, read, NOW);
    reserve(usage, BUDGET, read, NOW);
    expect(countsReached(usage, BUDGET, read)).toEqual(['budget.calls', 'budget.reads']);
    const money = (cost: Record<string, number>) => moneyAfter(usage, BUDGET, read, spent(read, cost));
    expect(money({ USD: 99 })).toEqual({ reached: [], carriedOver: [] });
    expect(money({ USD: 100 })).toEqual({ reached: ['budget.cost.USD'], carriedOver: [] });
    expect(money({ USD: 0, EUR: 0 })).toEqual({ reached: [], carriedOver: [] });
    expect(money({ EUR: 1 })).toEqual({ reached: [], carriedOver: ['budget.cost.EUR'] });
  });

  it('returns the smallest remainder of a chain', () => {
    const leaf = { usage: emptyUsage(BUDGET), limits: { budget: BUDGET } };
    const root = { usage: emptyUsage(BUDGET), limits: { budget: { ...BUDGET, calls: 9, cost: { USD: 50 } } } };
    reserve(root.usage, root.limits.budget, chargeOf('read', { USD: 20 }), NOW);
    expect(remainingOf([leaf, root], chargeOf('read', { USD: 5 }))).toEqual({
      calls: 2,
      reads: 1,
      writes: 0,
      external: 9,
      cost: { USD: 25, EUR: 0 },
    });
  });

  it('is carried over to a superseding grant; a new window releases nothing for an earlier permit', () => {
    const usage = emptyUsage(BUDGET);
    const charge = chargeOf('read', { USD: 30 });
    reserve(usage, BUDGET, charge, NOW);
    const raised: BudgetLimit = {
      ...BUDGET,
      calls: 50,
      windows: [
        { per: '2h', cost: { USD: 60 } },
        { per: '60m', cost: { USD: 80 } },
      ],
    };
    const carried = carryUsage(usage, BUDGET, raised, 9);
    expect(carried.committed).toEqual(usage.committed);
    expect(carried.windows[1]?.buckets).toEqual(usage.windows[0]?.buckets);
    reserve(carried, raised, charge, NOW);
    commit(carried, raised, charge, spent(charge, {}), NOW, NOW + 1, 8);
    expect(windowUsed(carried.windows[0]?.buckets ?? [], { per: '2h' }, NOW + 1).cost).toEqual({ USD: 30 });
    expect(windowUsed(carried.windows[1]?.buckets ?? [], { per: '60m' }, NOW + 1).cost).toEqual({ USD: 30 });
    expect(usage.reserved.cost).toEqual({ USD: 30 }); // a copy
  });
});

type Step =
  | { do: 'wait'; ms: number }
  | { do: 'ask'; effect: Effect; cost: number }
  | { do: 'settle'; which: number; share: number };

const PER = 1_000; // the shortest window: buckets of 4 ms
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(4), fc.integer({ min: 994, max: 1_006 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      effect: fc.constantFrom<Effect>('read', 'write', 'exec', 'external'),
      cost: fc.nat(30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(), share: fc.constantFrom(0, 0.5, 1) }),
  },
);
const CAPS: BudgetLimit = {
  calls: 40,
  reads: 20,
  writes: 15,
  external: 10,
  cost: { USD: 300 },
  windows: [{ per: '1s', calls: 3, writes: 2, cost: { USD: 40 } }],
};

interface Permit {
  at: number;
  charge: Consumed;
  cost: number;
  settled: boolean;
}

describe('usage under any sequence of permits and outcomes', () => {
  /** Recomputes every sum from the list of all permits: shares no code with the buckets. */
  const holds = (rules: { admits: typeof dimension.admits; reserve: typeof reserve; commit: typeof commit }) =>
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const usage = emptyUsage(CAPS);
      const permits: Permit[] = [];
      let now = NOW;
      for (const each of steps) {
        if (each.do === 'wait') now += each.ms;
        else if (each.do === 'ask') {
          const cost: Record<string, number> = each.cost > 0 ? { USD: each.cost } : {};
          const verdict = rules.admits(CAPS, facts({ effect: each.effect, cost }), situation({ usage }), now);
          if (verdict.outcome !== 'permit') continue;
          const charge = chargeOf(each.effect, cost);
          rules.reserve(usage, CAPS, charge, now);
          permits.push({ at: now, charge, cost: each.cost, settled: false });
        } else {
          const open = permits.filter((permit) => !permit.settled);
          const permit = open[each.which % Math.max(open.length, 1)];
          if (!permit) continue;
          const cost = Math.floor(permit.cost * each.share);
          rules.commit(usage, CAPS, permit.charge, spent(permit.charge, cost > 0 ? { USD: cost } : {}), permit.at, now);
          Object.assign(permit, { cost, settled: true });
        }
        check(usage, permits, now);
      }
    });

  function check(usage: ReturnType<typeof emptyUsage>, permits: readonly Permit[], now: number): void {
    const sum = (of: readonly Permit[]) => ({
      calls: of.length,
      writes: of.reduce((n, permit) => n + permit.charge.writes, 0),
      USD: of.reduce((n, permit) => n + permit.cost, 0),
    });
    const all = sum(permits);
    expect(all.calls).toBe(usage.committed.calls);
    expect(sum(permits.filter((permit) => permit.settled)).USD).toBe(usage.committed.cost.USD ?? 0);
    expect(sum(permits.filter((permit) => !permit.settled)).USD).toBe(usage.reserved.cost.USD ?? 0);
    expect(all.calls <= 40 && all.writes <= 15 && all.USD <= 300).toBe(true);

    const [buckets, window] = [usage.windows[0]?.buckets ?? [], CAPS.windows[0] as BudgetLimit['windows'][number]];
    const within = sum(permits.filter((permit) => permit.at > now - PER));
    expect(within.calls <= 3 && within.writes <= 2 && within.USD <= 40).toBe(true);
    const counted = windowUsed(buckets, window, now);
    const lenient = sum(permits.filter((permit) => permit.at > now - PER - 4));
    expect(counted.calls).toBeGreaterThanOrEqual(within.calls);
    expect(counted.calls).toBeLessThanOrEqual(lenient.calls);
    expect(counted.cost.USD ?? 0).toBeGreaterThanOrEqual(within.USD);
    expect(counted.cost.USD ?? 0).toBeLessThanOrEqual(lenient.USD);
    expect(buckets.length).toBeLessThanOrEqual(LIMITS.windowBuckets + 1);
    expect(JSON.parse(JSON.stringify(usage))).toEqual(usage);
  }

  const rules = { admits: dimension.admits, reserve, commit };
  it('exceeds no cap, releases windows and buckets on time, and keeps the sums equal (I3)', () => {
    fc.assert(holds(rules), { numRuns: 400 });
  });

  it.each<[string, Partial<typeof rules>]>([
    [
      'releases a bucket with its oldest entry',
      { admits: (limit, action, now, at) => dimension.admits(limit, action, now, at + 4) },
    ],
    [
      'admits one too many',
      {
        admits: (limit, ...rest) =>
          dimension.admits({ ...limit, windows: limit.windows.map((each) => ({ ...each, calls: 4 })) }, ...rest),
      },
    ],
    ['ignores windows', { admits: (limit, ...rest) => dimension.admits({ ...limit, windows: [] }, ...rest) }],
    ['reserves no money', { reserve: (usage, limit, charge, now) => reserve(usage, limit, spent(charge, {}), now) }],
    [
      'releases more than was reserved',
      {
        commit: (usage, limit, reserved, cost, at, now) =>
          commit(usage, limit, spent(reserved, { USD: (reserved.cost.USD ?? 0) + 1 }), cost, at, now),
      },
    ],
    [
      'releases from the wrong bucket',
      { commit: (usage, limit, reserved, cost, _, now) => commit(usage, limit, reserved, cost, now, now) },
    ],
  ])('detects accounting that %s', (_, broken) => {
    expect(fc.check(holds({ ...rules, ...broken }), { numRuns: 400, endOnFailure: true }).failed).toBe(true);
  });
});
