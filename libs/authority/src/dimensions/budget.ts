import {
  budgetLimit,
  COUNTERS,
  type BudgetLimit,
  type Consumed,
  type Counter,
  type WindowCap,
} from '@bailiwick/contracts/grants/grant';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { money } from '@bailiwick/core/money';
import type { Dimension, Usage, Verdict } from './dimension';
import { chargeOf, windowMoves, windowMs, windowUsed } from '../state/usage';
import { counted, sentence } from '../presentation/text';
import { deny, PERMIT, Wider } from './verdict';

/**
 * How much a grant may use: in its lifetime, in one action, and per rolling window. Whole numbers, money in minor
 * units. The whole subtree shares the budget (I3): every action is charged to every grant of the chain. A currency that
 * `cost` does not name may not be spent at all; a window limits only the caps that it names.
 *
 * `unlimited` allows no spending: a list of currencies has no largest value.
 */
export const budget: Dimension<BudgetLimit> = {
  name: 'budget',
  schema: budgetLimit,
  unlimited: {
    calls: LIMITS.amountMax,
    reads: LIMITS.amountMax,
    writes: LIMITS.amountMax,
    external: LIMITS.amountMax,
    cost: {},
    windows: [],
  },
  meet(a, b) {
    const once = tighterCost(a.perAction?.cost, b.perAction?.cost);
    const shared = (cost: Cost, other: Cost): Cost =>
      Object.fromEntries(Object.entries(cost).filter(([currency]) => Object.hasOwn(other, currency)));
    return {
      calls: Math.min(a.calls, b.calls),
      reads: Math.min(a.reads, b.reads),
      writes: Math.min(a.writes, b.writes),
      external: Math.min(a.external, b.external),
      cost: tighterCost(shared(a.cost, b.cost), shared(b.cost, a.cost)),
      ...(Object.keys(once).length > 0 ? { perAction: { cost: once } } : {}),
      windows: meetWindows(a.windows, b.windows),
    };
  },
  attenuates(child, parent) {
    const wider = new Wider('budget');
    for (const counter of COUNTERS) {
      const [own, most] = [child[counter], parent[counter]];
      wider.unless(own <= most, `budget.${counter}`, own, most, `would have ${own} ${counter}; its parent has ${most}`);
    }
    for (const [currency, own] of Object.entries(child.cost)) {
      const most = capOf(parent.cost, currency) ?? 0;
      const says = `would spend ${money(own, currency)}; its parent ${most > 0 ? money(most, currency) : 'none'}`;
      wider.unless(
        capOf(parent.cost, currency) !== undefined && own <= most,
        `budget.cost.${currency}`,
        own,
        most,
        says,
      );
    }
    for (const [currency, most] of Object.entries(parent.perAction?.cost ?? {})) {
      const own = capOf(child.perAction?.cost, currency);
      const says = `would spend more in one action than the ${money(most, currency)} its parent may`;
      wider.unless(own !== undefined && own <= most, `budget.perAction.cost.${currency}`, own ?? null, most, says);
    }
    for (const window of parent.windows) {
      const own = child.windows.find((each) => windowMs(each) === windowMs(window));
      const says = `would do more per ${window.per} than its parent, which has ${formatCaps(window)}`;
      wider.unless(
        own !== undefined && windowInside(own, window),
        `budget.windows[${window.per}]`,
        own ?? null,
        window,
        says,
      );
    }
    return wider.result();
  },
  admits(limit, action, { usage }, now) {
    const charge = chargeOf(action.effects ?? action.effect, action.cost);
    return (
      countVerdict(limit, usage, charge) ??
      costVerdict(limit, usage, action.cost) ??
      windowVerdict(limit, usage, charge, now) ??
      PERMIT
    );
  },
  describe(limit) {
    const once = Object.entries(limit.perAction?.cost ?? {}).map(([currency, cap]) => money(cap, currency));
    return [
      `at most ${counted(limit.calls, 'call')} (${counted(limit.reads, 'read')}, ${counted(limit.writes, 'write')}, ${limit.external} external)`,
      ...(Object.keys(limit.cost).length > 0
        ? [`may spend ${sentence(formatCosts(limit.cost))}`]
        : ['may spend nothing']),
      ...(once.length > 0 ? [`${sentence(once)} at most in one action`] : []),
      ...limit.windows.map((window) => `per ${window.per} at most ${formatCaps(window)}`),
    ].join('; ');
  },
};

type Cost = Readonly<Record<string, number>>;
const capOf = (caps: Cost | undefined, currency: string): number | undefined =>
  caps && Object.hasOwn(caps, currency) ? caps[currency] : undefined;

function countVerdict(limit: BudgetLimit, usage: Usage, charge: Consumed): Verdict | undefined {
  for (const counter of COUNTERS) {
    const used = usage.committed[counter] + usage.reserved[counter];
    if (charge[counter] === 0 || used + charge[counter] <= limit[counter]) continue;
    return deny('BUDGET_EXHAUSTED', `${used} of ${limit[counter]} ${counter} are used up`, {
      path: `budget.${counter}`,
      limit: limit[counter],
      actual: used,
    });
  }
  return undefined;
}

function costVerdict(limit: BudgetLimit, usage: Usage, cost: Cost): Verdict | undefined {
  for (const [currency, value] of Object.entries(cost)) {
    if (value === 0) continue;
    const path = `budget.cost.${currency}`;
    const cap = capOf(limit.cost, currency);
    if (cap === undefined)
      return deny('CURRENCY_NOT_ALLOWED', `the lease may not spend ${currency}`, { path, actual: value });
    if (!(Number.isSafeInteger(value) && value > 0)) {
      return deny('BUDGET_EXHAUSTED', `a cost is a whole number of minor units, not ${value}`, {
        path,
        actual: String(value),
      });
    }
    const once = capOf(limit.perAction?.cost, currency);
    if (once !== undefined && !(value <= once)) {
      const says = `one action may take ${money(once, currency)}, and this takes ${money(value, currency)}`;
      return deny('PER_ACTION_EXCEEDED', says, {
        path: `budget.perAction.cost.${currency}`,
        limit: once,
        actual: value,
      });
    }
    const used = (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0);
    if (!(used + value <= cap)) {
      const says = `${money(used, currency)} of ${money(cap, currency)} are spent or reserved, and this takes ${money(value, currency)}`;
      return deny('BUDGET_EXHAUSTED', says, { path, limit: cap, actual: used });
    }
  }
  return undefined;
}

function windowVerdict(limit: BudgetLimit, usage: Usage, charge: Consumed, now: number): Verdict | undefined {
  for (const [i, window] of limit.windows.entries()) {
    const buckets = usage.windows[i]?.buckets;
    const path = `budget.windows[${window.per}]`;
    // I11: a window with an unknown usage counts as used up
    if (!buckets) return deny('WINDOW_EXHAUSTED', `the usage per ${window.per} is unknown`, { path, limit: window });
    const used = windowUsed(buckets, window, now);
    const cap = exceeded(window, used, charge);
    if (cap === undefined) continue;
    const moves = windowMoves(buckets, window, now);
    const when = Number.isFinite(moves) ? `the window moves at ${rfc3339(moves)}` : 'the window never moves';
    return deny('WINDOW_EXHAUSTED', `the ${cap.name} per ${window.per} are used up; ${when}`, {
      path: `${path}.${cap.name}`,
      limit: cap.most,
      actual: cap.used,
    });
  }
  return undefined;
}

/** Returns the first cap of a window that a charge would exceed. */
function exceeded(
  window: WindowCap,
  used: Consumed,
  charge: Consumed,
): { name: string; most: number; used: number } | undefined {
  for (const counter of COUNTERS) {
    const most = window[counter];
    if (most === undefined || charge[counter] === 0 || used[counter] + charge[counter] <= most) continue;
    return { name: counter, most, used: used[counter] };
  }
  for (const [currency, value] of Object.entries(charge.cost)) {
    const most = capOf(window.cost, currency);
    const spent = used.cost[currency] ?? 0;
    if (most !== undefined && !(spent + value <= most)) return { name: `cost.${currency}`, most, used: spent };
  }
  return undefined;
}

function windowInside(child: WindowCap, parent: WindowCap): boolean {
  const within = (own: number | undefined, most: number | undefined): boolean =>
    most === undefined || (own !== undefined && own <= most);
  return (
    COUNTERS.every((counter: Counter) => within(child[counter], parent[counter])) &&
    Object.entries(parent.cost ?? {}).every(([currency, most]) => within(capOf(child.cost, currency), most))
  );
}

/** Merges windows of the same length; the shortest first. */
export function meetWindows(a: readonly WindowCap[], b: readonly WindowCap[]): WindowCap[] {
  const met = new Map<number, WindowCap>();
  for (const window of [...a, ...b]) {
    const known = met.get(windowMs(window));
    met.set(windowMs(window), known ? meetWindow(known, window) : window);
  }
  return [...met].sort(([x], [y]) => x - y).map(([, window]) => window);
}

/** Returns the tighter of two windows of the same length. */
export function meetWindow(a: WindowCap, b: WindowCap): WindowCap {
  const met: WindowCap = { per: a.per };
  for (const counter of COUNTERS) {
    const most = Math.min(a[counter] ?? Infinity, b[counter] ?? Infinity);
    if (a[counter] !== undefined || b[counter] !== undefined) met[counter] = most;
  }
  const cost = tighterCost(a.cost, b.cost);
  if (Object.keys(cost).length > 0) met.cost = cost;
  return met;
}

/** Returns every cap of either, the smaller if both name one. Sorted by currency. */
export function tighterCost(a: Cost = {}, b: Cost = {}): Record<string, number> {
  const currencies = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(
    currencies.map((currency) => [currency, Math.min(capOf(a, currency) ?? Infinity, capOf(b, currency) ?? Infinity)]),
  );
}

const formatCosts = (cost: Cost): string[] => Object.entries(cost).map(([currency, cap]) => money(cap, currency));

function formatCaps(window: WindowCap): string {
  const counts = COUNTERS.flatMap((counter) =>
    window[counter] === undefined ? [] : [`${window[counter]} ${counter}`],
  );
  const caps = [...counts, ...formatCosts(window.cost ?? {})];
  return caps.length > 0 ? sentence(caps) : 'no cap';
}
