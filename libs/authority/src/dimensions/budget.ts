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
import { quantity } from '@bailiwick/core/quantity';
import type { Dimension, Usage, Verdict } from './dimension';
import { chargeOf, SETTLED, windowMoves, windowMs, windowUsed, type Settled } from '../state/usage';
import { counted, sentence } from '../presentation/text';
import { deny, PERMIT, Wider } from './verdict';

/**
 * How much a grant may use: in its lifetime, in one action, and per rolling window. Whole numbers, money in minor
 * units. The whole subtree shares the budget (I3): every action is charged to every grant of the chain. A currency that
 * `cost` does not name may not be spent at all, and a unit that `units` does not name may not be used; a window limits
 * only the caps that it names.
 *
 * `unlimited` allows no spending and no units: a list of currencies has no largest value.
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
    const once = perActionOf(
      tighterCost(a.perAction?.cost, b.perAction?.cost),
      tighterCost(a.perAction?.units, b.perAction?.units),
    );
    const shared = (cost: Cost = {}, other: Cost = {}): Cost =>
      Object.fromEntries(Object.entries(cost).filter(([name]) => Object.hasOwn(other, name)));
    const units = tighterCost(shared(a.units, b.units), shared(b.units, a.units));
    return {
      calls: Math.min(a.calls, b.calls),
      reads: Math.min(a.reads, b.reads),
      writes: Math.min(a.writes, b.writes),
      external: Math.min(a.external, b.external),
      cost: tighterCost(shared(a.cost, b.cost), shared(b.cost, a.cost)),
      ...(isEmpty(units) ? {} : { units }),
      ...once,
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
    for (const [unit, own] of Object.entries(child.units ?? {})) {
      const most = capOf(parent.units, unit);
      const says = `would use ${quantity(own, unit)}; its parent ${most === undefined ? 'none' : quantity(most, unit)}`;
      wider.unless(most !== undefined && own <= most, `budget.units.${unit}`, own, most ?? 0, says);
    }
    for (const [unit, most] of Object.entries(parent.perAction?.units ?? {})) {
      const own = capOf(child.perAction?.units, unit);
      const says = `would use more in one action than the ${quantity(most, unit)} its parent may`;
      wider.unless(own !== undefined && own <= most, `budget.perAction.units.${unit}`, own ?? null, most, says);
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
    const charge = chargeOf(action.effects ?? action.effect, action.cost, action.units);
    return (
      countVerdict(limit, usage, charge) ??
      amountVerdict('cost', limit, usage, action.cost) ??
      amountVerdict('units', limit, usage, action.units) ??
      windowVerdict(limit, usage, charge, now) ??
      PERMIT
    );
  },
  describe(limit) {
    const once = [...formatCosts(limit.perAction?.cost ?? {}), ...formatUnits(limit.perAction?.units)];
    return [
      `at most ${counted(limit.calls, 'call')} (${counted(limit.reads, 'read')}, ${counted(limit.writes, 'write')}, ${limit.external} external)`,
      ...(Object.keys(limit.cost).length > 0
        ? [`may spend ${sentence(formatCosts(limit.cost))}`]
        : ['may spend nothing']),
      ...(limit.units === undefined || isEmpty(limit.units) ? [] : [`may use ${sentence(formatUnits(limit.units))}`]),
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

/** Formats an amount of a currency, or of a unit. */
const amountText: Record<Settled, (value: number, name: string) => string> = { cost: money, units: quantity };
const UNNAMED = {
  cost: ['CURRENCY_NOT_ALLOWED', 'the lease may not spend'],
  units: ['UNIT_NOT_ALLOWED', 'the lease may not use'],
} as const;

function amountVerdict(
  kind: Settled,
  limit: BudgetLimit,
  usage: Usage,
  amounts: Cost | undefined,
): Verdict | undefined {
  if (amounts === undefined) return undefined;
  const text = amountText[kind];
  for (const [name, value] of Object.entries(amounts)) {
    if (value === 0) continue;
    const path = `budget.${kind}.${name}`;
    const cap = capOf(limit[kind], name);
    if (cap === undefined) return deny(UNNAMED[kind][0], `${UNNAMED[kind][1]} ${name}`, { path, actual: value });
    if (!(Number.isSafeInteger(value) && value > 0)) {
      const says =
        kind === 'cost' ? 'a cost is a whole number of minor units' : 'an amount of a unit is a whole number';
      return deny('BUDGET_EXHAUSTED', `${says}, not ${value}`, { path, actual: String(value) });
    }
    const once = capOf(limit.perAction?.[kind], name);
    if (once !== undefined && !(value <= once)) {
      const says = `one action may take ${text(once, name)}, and this takes ${text(value, name)}`;
      return deny('PER_ACTION_EXCEEDED', says, {
        path: `budget.perAction.${kind}.${name}`,
        limit: once,
        actual: value,
      });
    }
    const used = (usage.committed[kind]?.[name] ?? 0) + (usage.reserved[kind]?.[name] ?? 0);
    if (!(used + value <= cap)) {
      const gone = kind === 'cost' ? 'spent or reserved' : 'used or reserved';
      const says = `${text(used, name)} of ${text(cap, name)} are ${gone}, and this takes ${text(value, name)}`;
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
  for (const kind of SETTLED) {
    const amounts = charge[kind];
    if (amounts === undefined) continue;
    for (const [name, value] of Object.entries(amounts)) {
      const most = capOf(window[kind], name);
      const spent = used[kind]?.[name] ?? 0;
      if (most !== undefined && !(spent + value <= most)) return { name: `${kind}.${name}`, most, used: spent };
    }
  }
  return undefined;
}

function windowInside(child: WindowCap, parent: WindowCap): boolean {
  const within = (own: number | undefined, most: number | undefined): boolean =>
    most === undefined || (own !== undefined && own <= most);
  return (
    COUNTERS.every((counter: Counter) => within(child[counter], parent[counter])) &&
    SETTLED.every((kind) =>
      Object.entries(parent[kind] ?? {}).every(([name, most]) => within(capOf(child[kind], name), most)),
    )
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
  if (!isEmpty(cost)) met.cost = cost;
  const units = tighterCost(a.units, b.units);
  if (!isEmpty(units)) met.units = units;
  return met;
}

/** Returns every cap of either, the smaller if both name one. Sorted by currency, or by unit. */
export function tighterCost(a: Cost = {}, b: Cost = {}): Record<string, number> {
  const currencies = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return Object.fromEntries(
    currencies.map((currency) => [currency, Math.min(capOf(a, currency) ?? Infinity, capOf(b, currency) ?? Infinity)]),
  );
}

const isEmpty = (caps: Cost): boolean => Object.keys(caps).length === 0;

/** Returns the caps per action as members of a budget; none if there are no caps. */
export function perActionOf(cost: Cost, units: Cost): Pick<BudgetLimit, 'perAction'> {
  if (isEmpty(cost) && isEmpty(units)) return {};
  return { perAction: { ...(isEmpty(cost) ? {} : { cost }), ...(isEmpty(units) ? {} : { units }) } };
}

const formatUnits = (units: Cost = {}): string[] => Object.entries(units).map(([unit, cap]) => quantity(cap, unit));
const formatCosts = (cost: Cost): string[] => Object.entries(cost).map(([currency, cap]) => money(cap, currency));

function formatCaps(window: WindowCap): string {
  const counts = COUNTERS.flatMap((counter) =>
    window[counter] === undefined ? [] : [`${window[counter]} ${counter}`],
  );
  const caps = [...counts, ...formatCosts(window.cost ?? {}), ...formatUnits(window.units)];
  return caps.length > 0 ? sentence(caps) : 'no cap';
}
