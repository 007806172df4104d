import type { BudgetLimit, Effect } from '@bailiwick/contracts/grants/grant';
import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { chargeOf, emptyUsage, reserve } from '../state/usage';
import { budget, meetWindows } from './budget';

const limit = (over: Partial<BudgetLimit> = {}): BudgetLimit => ({
  calls: 10,
  reads: 5,
  writes: 3,
  external: 2,
  cost: { USD: 100 },
  windows: [],
  ...over,
});

/** Returns the verdict on one more action after `n` identical ones. */
function after(n: number, of: BudgetLimit, effect: Effect = 'read', cost: Record<string, number> = {}, now = NOW) {
  const usage = emptyUsage(of);
  for (let i = 0; i < n; i++) reserve(usage, of, chargeOf(effect, cost), NOW);
  return budget.admits(of, facts({ effect, cost }), situation({ usage }), now);
}

describe('budget', () => {
  it.each<[Effect, number, string, string | undefined]>([
    ['read', 4, 'permit', undefined],
    ['read', 5, 'deny BUDGET_EXHAUSTED', 'budget.reads'],
    ['write', 2, 'permit', undefined],
    ['write', 3, 'deny BUDGET_EXHAUSTED', 'budget.writes'],
    ['exec', 3, 'deny BUDGET_EXHAUSTED', 'budget.writes'],
    ['external', 1, 'permit', undefined],
    ['external', 2, 'deny BUDGET_EXHAUSTED', 'budget.external'],
  ])('answers a %s after %d others with %s', (effect, n, verdict, path) => {
    expect(verdictText(after(n, limit(), effect))).toBe(verdict);
    expect(after(n, limit(), effect).path).toBe(path);
  });

  it('counts every action as a call', () => {
    expect(after(4, limit({ calls: 4 })).path).toBe('budget.calls');
  });

  it.each<[string, Partial<BudgetLimit>, Record<string, number>, number, string]>([
    ['within', {}, { USD: 50 }, 1, 'permit'],
    ['to the cent', {}, { USD: 100 }, 0, 'permit'],
    ['a cent above', {}, { USD: 101 }, 0, 'deny BUDGET_EXHAUSTED'],
    ['a reservation counts', {}, { USD: 51 }, 1, 'deny BUDGET_EXHAUSTED'],
    ['another currency', {}, { EUR: 1 }, 0, 'deny CURRENCY_NOT_ALLOWED'],
    ['zero of another currency', {}, { EUR: 0 }, 0, 'permit'],
    ['one of two currencies is not allowed', {}, { USD: 1, EUR: 1 }, 0, 'deny CURRENCY_NOT_ALLOWED'],
    ['a cap of 0', { cost: { USD: 0 } }, { USD: 1 }, 0, 'deny BUDGET_EXHAUSTED'],
    ['at the cap of one action', { perAction: { cost: { USD: 20 } } }, { USD: 20 }, 0, 'permit'],
    ['above the cap of one action', { perAction: { cost: { USD: 20 } } }, { USD: 21 }, 0, 'deny PER_ACTION_EXCEEDED'],
    ['a name that every object has', {}, { constructor: 1 }, 0, 'deny CURRENCY_NOT_ALLOWED'],
    ['a fraction', {}, { USD: 0.5 }, 0, 'deny BUDGET_EXHAUSTED'],
    ['less than nothing', {}, { USD: -5 }, 0, 'deny BUDGET_EXHAUSTED'],
    ['no number', {}, { USD: NaN }, 0, 'deny BUDGET_EXHAUSTED'],
  ])('money: %s', (_, over, cost, n, verdict) => {
    expect(verdictText(after(n, limit(over), 'write', cost))).toBe(verdict);
  });

  it('denies under caps that are not numbers', () => {
    expect(verdictText(after(0, limit({ calls: NaN })))).toBe('deny BUDGET_EXHAUSTED');
    expect(verdictText(after(0, limit({ cost: { USD: NaN } }), 'write', { USD: 1 }))).toBe('deny BUDGET_EXHAUSTED');
  });

  it('denies within a full window until it moves, and states when it moves', () => {
    const windowed = limit({ windows: [{ per: '1h', calls: 2 }] });
    expect(verdictText(after(1, windowed))).toBe('permit');
    const full = after(2, windowed);
    expect(verdictText(full)).toBe('deny WINDOW_EXHAUSTED');
    const moves = /the window moves at (.*)$/.exec(full.message)?.[1] ?? '';
    expect(Date.parse(moves)).toBeGreaterThanOrEqual(NOW + 3_600_000);
    expect(verdictText(after(2, windowed, 'read', {}, Date.parse(moves) - 1))).toBe('deny WINDOW_EXHAUSTED');
    expect(verdictText(after(2, windowed, 'read', {}, Date.parse(moves)))).toBe('permit');
  });

  it('counts money and effects per window, but only those that the window caps', () => {
    const windowed = limit({ windows: [{ per: '1h', writes: 1, cost: { USD: 30 } }] });
    expect(after(1, windowed, 'write').path).toBe('budget.windows[1h].writes');
    expect(verdictText(after(3, windowed, 'read'))).toBe('permit');
    expect(after(1, windowed, 'read', { USD: 16 }).path).toBe('budget.windows[1h].cost.USD');
  });

  it('never moves a window with an unreadable length or an unknown usage', () => {
    const forged = limit({ windows: [{ per: 'soon', calls: 1 }] });
    expect(verdictText(after(1, forged, 'read', {}, NOW + 1e12))).toBe('deny WINDOW_EXHAUSTED');
    const unknown = budget.admits(limit({ windows: [{ per: '1h', calls: 1 }] }), facts(), situation(), NOW);
    expect(verdictText(unknown)).toBe('deny WINDOW_EXHAUSTED');
  });

  const parent = limit({ perAction: { cost: { USD: 20 } }, windows: [{ per: '1h', calls: 5, cost: { USD: 50 } }] });
  it.each<[Partial<BudgetLimit>, string[]]>([
    [{}, []],
    [
      { calls: 11, reads: 6, writes: 4, external: 3 },
      ['budget.calls', 'budget.reads', 'budget.writes', 'budget.external'],
    ],
    [{ calls: NaN }, ['budget.calls']],
    [{ cost: {} }, []],
    [{ cost: { USD: 101 } }, ['budget.cost.USD']],
    [{ cost: { USD: 100, EUR: 1 } }, ['budget.cost.EUR']],
    [{ cost: { USD: 100, EUR: 0 } }, ['budget.cost.EUR']],
    [{ perAction: undefined }, ['budget.perAction.cost.USD']],
    [{ perAction: { cost: { USD: 21 } } }, ['budget.perAction.cost.USD']],
    [{ perAction: { cost: { USD: 1, EUR: 9 } } }, []],
    [{ windows: [] }, ['budget.windows[1h]']],
    [{ windows: [{ per: '2h', calls: 1, cost: { USD: 1 } }] }, ['budget.windows[1h]']],
    [{ windows: [{ per: '60m', calls: 5, cost: { USD: 50 } }] }, []],
    [{ windows: [{ per: '1h', calls: 5 }] }, ['budget.windows[1h]']],
    [{ windows: [{ per: '1h', calls: 6, cost: { USD: 50 } }] }, ['budget.windows[1h]']],
    [
      {
        windows: [
          { per: '1h', calls: 4, writes: 1, cost: { USD: 50 } },
          { per: '1d', calls: 9 },
        ],
      },
      [],
    ],
  ])('%j is wider at %j', (over, paths) => {
    expect(wider(budget.attenuates({ ...parent, ...over }, parent))).toEqual(paths);
  });

  it('meets in the smaller caps, the currencies of both, and the windows of either', () => {
    const a = limit({
      calls: 3,
      cost: { USD: 5, EUR: 9 },
      windows: [
        { per: '1d', calls: 3 },
        { per: '1h', calls: 5 },
      ],
    });
    const b = limit({
      reads: 1,
      cost: { USD: 7, GBP: 1 },
      perAction: { cost: { USD: 2 } },
      windows: [{ per: '60m', calls: 4, writes: 1 }],
    });
    expect(budget.meet(a, b)).toEqual(
      limit({
        calls: 3,
        reads: 1,
        cost: { USD: 5 },
        perAction: { cost: { USD: 2 } },
        windows: [
          { per: '1h', calls: 4, writes: 1 },
          { per: '1d', calls: 3 },
        ],
      }),
    );
    expect(meetWindows([{ per: '1h', cost: { USD: 3 } }], [{ per: '1h', cost: { USD: 2, EUR: 1 } }])).toEqual([
      { per: '1h', cost: { EUR: 1, USD: 2 } },
    ]);
  });

  it('has a human-readable description', () => {
    expect(budget.describe(parent)).toBe(
      'at most 10 calls (5 reads, 3 writes, 2 external); may spend 1.00 USD; 0.20 USD at most in one action; per 1h at most 5 calls and 0.50 USD',
    );
    expect(budget.describe(limit({ cost: {} }))).toContain('may spend nothing');
  });
});
