import { budgetLimit, COUNTERS, type BudgetLimit, type Consumed, type WindowCap } from '#contracts/grant';
import { rfc3339 } from '#kernel/clock';
import { LIMITS } from '#kernel/limits';
import type { Dimension, Verdict } from '../dimension';
import { chargeOf, windowMoves, windowMs, windowUsed } from '../usage';
import { deny, PERMIT, Wider } from './verdict';

/** How much: for the lifetime, per action, and per rolling window. Shared by the whole subtree (I3). */
export const budget: Dimension<BudgetLimit> = {
  name: 'budget',
  schema: budgetLimit,
  unlimited: { calls: LIMITS.amountMax, reads: LIMITS.amountMax, writes: LIMITS.amountMax, external: LIMITS.amountMax, cost: {}, windows: [] },
  meet: (a, b) => ({
    calls: Math.min(a.calls, b.calls),
    reads: Math.min(a.reads, b.reads),
    writes: Math.min(a.writes, b.writes),
    external: Math.min(a.external, b.external),
    cost: Object.fromEntries(Object.keys(a.cost).filter((currency) => Object.hasOwn(b.cost, currency)).sort().map((currency) => [currency, Math.min(a.cost[currency] ?? 0, b.cost[currency] ?? 0)])),
    ...(a.perAction ?? b.perAction ? { perAction: { cost: tighterCost(a.perAction?.cost, b.perAction?.cost) } } : {}),
    windows: meetWindows(a.windows, b.windows),
  }),
  attenuates(child, parent) {
    const wider = new Wider('budget');
    for (const counter of COUNTERS) wider.unless(child[counter] <= parent[counter], `budget.${counter}`, child[counter], parent[counter], `would have more ${counter} than its parent`);
    for (const [currency, value] of Object.entries(child.cost)) {
      wider.unless(value <= (parent.cost[currency] ?? 0), `budget.cost.${currency}`, value, parent.cost[currency] ?? 0, `would spend more ${currency} than its parent`);
    }
    for (const [currency, cap] of Object.entries(parent.perAction?.cost ?? {})) {
      const own = child.perAction?.cost?.[currency];
      wider.unless(own !== undefined && own <= cap, `budget.perAction.cost.${currency}`, own ?? null, cap, `would spend more ${currency} in one action than its parent may`);
    }
    for (const window of parent.windows) {
      const own = child.windows.find((each) => windowMs(each) === windowMs(window));
      wider.unless(own !== undefined && windowInside(own, window), `budget.windows[${window.per}]`, own ?? null, window, `would do more per ${window.per} than its parent`);
    }
    return wider.result();
  },
  admits(limit, action, { usage }, now) {
    const charge = chargeOf(action.effect, action.cost);
    for (const counter of COUNTERS) {
      const used = usage.committed[counter] + usage.reserved[counter];
      if (charge[counter] > 0 && !(used + charge[counter] <= limit[counter])) {
        return deny('BUDGET_EXHAUSTED', `${used} of ${limit[counter]} ${counter} are used up`, { path: `budget.${counter}`, limit: limit[counter], actual: used });
      }
    }
    return costVerdict(limit, usage, charge) ?? windowVerdict(limit, usage.windows, charge, now) ?? PERMIT;
  },
  describe(limit) {
    const costs = Object.entries(limit.cost).map(([currency, value]) => `${(value / 100).toFixed(2)} ${currency}`);
    const per = limit.windows.map((window) => `${capsInWords(window)} per ${window.per}`);
    return [`${limit.calls} calls, ${limit.reads} reads, ${limit.writes} writes, ${limit.external} external`, ...(costs.length ? [`spend ${costs.join(', ')}`] : ['spend nothing']), ...per].join('; ');
  },
};


function costVerdict(limit: BudgetLimit, usage: { committed: Consumed; reserved: Consumed }, charge: Consumed): Verdict | undefined {
  for (const [currency, value] of Object.entries(charge.cost)) {
    const cap = Object.hasOwn(limit.cost, currency) ? limit.cost[currency] : undefined;
    if (cap === undefined) return deny('CURRENCY_NOT_ALLOWED', `the lease may not spend ${currency}`, { path: `budget.cost.${currency}`, actual: value });
    const used = (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0);
    if (!(used + value <= cap)) return deny('BUDGET_EXHAUSTED', `${used} of ${cap} ${currency} (minor units) are spent or reserved, and this would take ${value}`, { path: `budget.cost.${currency}`, limit: cap, actual: used });
    const once = limit.perAction?.cost?.[currency];
    if (once !== undefined && !(value <= once)) return deny('PER_ACTION_EXCEEDED', `one action may take ${once} ${currency} (minor units), not ${value}`, { path: `budget.perAction.cost.${currency}`, limit: once, actual: value });
  }
  return undefined;
}

function windowVerdict(limit: BudgetLimit, usages: readonly { buckets: readonly { start: number; used: Consumed }[] }[], charge: Consumed, now: number): Verdict | undefined {
  for (const [i, window] of limit.windows.entries()) {
    const buckets = usages[i]?.buckets ?? [];
    const used = windowUsed(buckets, window, now);
    const path = exceeded(window, used, charge);
    if (path) return deny('WINDOW_EXHAUSTED', `the cap per ${window.per} is used up; it moves at ${rfc3339(windowMoves(buckets, window, now))}`, { path: `budget.windows[${window.per}].${path}`, limit: window, actual: used });
  }
  return undefined;
}

function exceeded(window: WindowCap, used: Consumed, charge: Consumed): string | undefined {
  const counter = COUNTERS.find((each) => charge[each] > 0 && window[each] !== undefined && !(used[each] + charge[each] <= (window[each] as number)));
  if (counter) return counter;
  const currency = Object.entries(charge.cost).find(([name, value]) => window.cost?.[name] !== undefined && !((used.cost[name] ?? 0) + value <= (window.cost[name] as number)));
  return currency ? `cost.${currency[0]}` : undefined;
}

function windowInside(child: WindowCap, parent: WindowCap): boolean {
  const counts = COUNTERS.every((counter) => parent[counter] === undefined || (child[counter] !== undefined && (child[counter] as number) <= (parent[counter] as number)));
  const costs = Object.entries(parent.cost ?? {}).every(([currency, cap]) => child.cost?.[currency] !== undefined && (child.cost[currency] as number) <= cap);
  return counts && costs;
}

export function meetWindows(a: readonly WindowCap[], b: readonly WindowCap[]): WindowCap[] {
  const out = new Map<number, WindowCap>();
  for (const window of [...a, ...b]) {
    const known = out.get(windowMs(window));
    out.set(windowMs(window), known ? meetWindow(known, window) : window);
  }
  return [...out].sort(([x], [y]) => x - y).map(([, window]) => window);
}

function meetWindow(a: WindowCap, b: WindowCap): WindowCap {
  const met: WindowCap = { per: a.per };
  for (const counter of COUNTERS) {
    const caps = [a[counter], b[counter]].filter((cap) => cap !== undefined);
    if (caps.length > 0) met[counter] = Math.min(...caps);
  }
  const cost = tighterCost(a.cost, b.cost);
  return Object.keys(cost).length > 0 ? { ...met, cost } : met;
}

export function tighterCost(a: Readonly<Record<string, number>> = {}, b: Readonly<Record<string, number>> = {}): Record<string, number> {
  const currencies = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(currencies.map((currency) => [currency, Math.min(a[currency] ?? Infinity, b[currency] ?? Infinity)]));
}

function capsInWords(window: WindowCap): string {
  const counts = COUNTERS.filter((counter) => window[counter] !== undefined).map((counter) => `${window[counter]} ${counter}`);
  const costs = Object.entries(window.cost ?? {}).map(([currency, value]) => `${(value / 100).toFixed(2)} ${currency}`);
  return [...counts, ...costs].join(', ') || 'no cap';
}
