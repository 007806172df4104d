import {
  budgetLimit,
  COUNTERS,
  type BudgetLimit,
  type Consumed,
  type Counter,
  type VerbCap,
  type WindowCap,
} from '@bailiwick/contracts/grants/grant';
import { isTimeZone, zonedText } from '@bailiwick/core/calendar';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';
import type { Dimension, Usage, Verdict } from './dimension';
import { allowance, includes, type Work } from '../matching/inclusion';
import { verbSegments } from '../matching/verbs/verb';
import { calendarPeriodOf } from '../state/periods';
import { verbKey, verbScopes } from '../state/scopes';
import {
  chargeOf,
  currentPeriod,
  SETTLED,
  windowKey,
  windowMoves,
  windowMs,
  windowUsed,
  type Settled,
} from '../state/usage';
import { amountText, keyText, perText } from '../presentation/amounts';
import { counted, listed, sentence } from '../presentation/text';
import { askVerdict, shareText } from './ask-at';
import {
  capOf,
  formatCosts,
  formatPartCaps,
  formatUnits,
  isEmpty,
  isWithin,
  tighterCaps,
  tighterCost,
} from './part-caps';
import { scopeVerdict } from './scope-verdict';
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
      ...perVerbOf(meetVerbCaps(a.perVerb, b.perVerb)),
      ...(a.askAt === undefined && b.askAt === undefined ? {} : { askAt: Math.min(a.askAt ?? 1, b.askAt ?? 1) }),
      ...(a.reserve || b.reserve ? { reserve: true as const } : {}),
      windows: meetWindows(a.windows, b.windows),
    };
  },
  attenuates(child, parent, effort) {
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
      const own = child.windows.find((each) => windowKey(each) === windowKey(window));
      const says = `would do more per ${perText(window)} than its parent, which has ${formatCaps(window)}`;
      wider.unless(
        own !== undefined && windowInside(own, window),
        `budget.windows[${keyText(window)}]`,
        own ?? null,
        window,
        says,
      );
    }
    if (parent.askAt !== undefined) {
      const says = `would ask a person later than its parent, which asks beyond ${shareText(parent.askAt)} of any cap`;
      const isEarlier = child.askAt !== undefined && child.askAt <= parent.askAt;
      wider.unless(isEarlier, 'budget.askAt', child.askAt ?? null, parent.askAt, says);
    }
    if (parent.perVerb !== undefined) {
      const work = allowance(effort);
      for (const cap of parent.perVerb) {
        const own = child.perVerb?.find((each) => isTighter(each, cap, work));
        const path = `budget.perVerb[${listed(cap.actions)}]`;
        const says = `would not keep its parent’s caps for ${listed(cap.actions)}: ${formatPartCaps(cap)}`;
        wider.unless(own !== undefined, path, null, cap, says);
      }
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
      (limit.perVerb === undefined ? undefined : scopeVerdict(verbScopes(limit), usage.scopes, action, charge)) ??
      (limit.askAt === undefined ? undefined : askVerdict(limit, limit.askAt, usage, action, charge, now)) ??
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
      ...(limit.perVerb ?? []).map((cap) => `${listed(cap.actions)}: at most ${formatPartCaps(cap)}`),
      ...limit.windows.map((window) => `per ${perText(window)} at most ${formatCaps(window)}`),
      ...(limit.reserve ? ['all of it is set aside from the budget of its parent'] : []),
      ...(limit.askAt === undefined ? [] : [`asks a person beyond ${shareText(limit.askAt)} of any cap`]),
    ].join('; ');
  },
};

type Cost = Readonly<Record<string, number>>;

function countVerdict(limit: BudgetLimit, usage: Usage, charge: Consumed): Verdict | undefined {
  for (const counter of COUNTERS) {
    const used = usage.committed[counter] + usage.reserved[counter];
    if (charge[counter] === 0 || used + charge[counter] <= limit[counter]) continue;
    return deny(
      'BUDGET_EXHAUSTED',
      `${used} of ${limit[counter]} ${counter} are ${usage.reserved[counter] > 0 ? 'used up or set aside' : 'used up'}`,
      {
        path: `budget.${counter}`,
        limit: limit[counter],
        actual: used,
      },
    );
  }
  return undefined;
}

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
    const path = `budget.windows[${keyText(window)}]`;
    // I11: a window with an unknown usage counts as used up
    if (!buckets)
      return deny('WINDOW_EXHAUSTED', `the usage per ${perText(window)} is unknown`, { path, limit: window });
    if (window.timezone !== undefined && periodEnd(buckets, window, now) === undefined)
      return deny('WINDOW_EXHAUSTED', `the time zone ${window.timezone} is unknown here`, { path, limit: window });
    const used = windowUsed(buckets, window, now);
    const cap = exceeded(window, used, charge);
    if (cap === undefined) continue;
    return deny(
      'WINDOW_EXHAUSTED',
      `the ${cap.name} per ${perText(window)} are used up; ${moveText(buckets, window, now)}`,
      {
        path: `${path}.${cap.name}`,
        limit: cap.most,
        actual: cap.used,
      },
    );
  }
  return undefined;
}

type Buckets = Usage['windows'][number]['buckets'];
const periodEnd = (buckets: Buckets, window: WindowCap, now: number): number | undefined =>
  currentPeriod(buckets, now)?.end ?? calendarPeriodOf(window, now)?.end;

/** Formats when a window moves: a calendar window in its own zone. */
function moveText(buckets: Buckets, window: WindowCap, now: number): string {
  const { timezone } = window;
  const moves = timezone === undefined ? windowMoves(buckets, window, now) : periodEnd(buckets, window, now);
  if (moves === undefined || !Number.isFinite(moves)) return 'the window never moves';
  return `the window moves at ${timezone === undefined ? rfc3339(moves) : zonedOrUtc(moves, timezone)}`;
}

/** The recorded end of a period is shown even if this machine does not know its zone. */
function zonedOrUtc(at: number, zone: string): string {
  return isTimeZone(zone) ? zonedText(at, zone) : rfc3339(at);
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

/** Reports whether a child's entry covers all actions of its parent's, and caps them no higher. */
const isTighter = (child: VerbCap, parent: VerbCap, work: Work): boolean =>
  isWithin(child, parent) &&
  parent.actions.every((pattern) => includes(child.actions.map(verbSegments), verbSegments(pattern), work));

/** Merges the entries for the same actions, in the order of their actions. */
export function meetVerbCaps(a: readonly VerbCap[] = [], b: readonly VerbCap[] = []): VerbCap[] {
  const met = new Map<string, VerbCap>();
  for (const cap of [...a, ...b]) {
    const key = verbKey(cap.actions);
    const known = met.get(key);
    met.set(key, known ? meetVerbCap(known, cap) : cap);
  }
  return [...met].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, cap]) => cap);
}

/** Returns every cap of either of two entries for the same actions, the smaller if both name one. */
export const meetVerbCap = (a: VerbCap, b: VerbCap): VerbCap => ({ actions: a.actions, ...tighterCaps(a, b) });

/** Returns the entries as a member of a budget; none if there are no entries. */
export const perVerbOf = (caps: VerbCap[]): Pick<BudgetLimit, 'perVerb'> => (caps.length > 0 ? { perVerb: caps } : {});

/** Merges windows of the same length, or of the same unit and time zone; the shortest first. */
export function meetWindows(a: readonly WindowCap[], b: readonly WindowCap[]): WindowCap[] {
  const met = new Map<string, WindowCap>();
  for (const window of [...a, ...b]) {
    const known = met.get(windowKey(window));
    met.set(windowKey(window), known ? meetWindow(known, window) : window);
  }
  return [...met].sort(([x, a], [y, b]) => lengthOf(a) - lengthOf(b) || (x < y ? -1 : 1)).map(([, window]) => window);
}

const CALENDAR_MS: Record<string, number> = { day: 86_400_000, week: 7 * 86_400_000, month: 30 * 86_400_000 };
const lengthOf = (window: WindowCap): number =>
  window.timezone === undefined ? windowMs(window) : (CALENDAR_MS[window.per] ?? Infinity);

/** Returns the tighter of two windows of the same length. */
export function meetWindow(a: WindowCap, b: WindowCap): WindowCap {
  const met: WindowCap = { per: a.per, ...(a.timezone === undefined ? {} : { timezone: a.timezone }) };
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

/** Returns the caps per action as members of a budget; none if there are no caps. */
export function perActionOf(cost: Cost, units: Cost): Pick<BudgetLimit, 'perAction'> {
  if (isEmpty(cost) && isEmpty(units)) return {};
  return { perAction: { ...(isEmpty(cost) ? {} : { cost }), ...(isEmpty(units) ? {} : { units }) } };
}

function formatCaps(window: WindowCap): string {
  const counts = COUNTERS.flatMap((counter) =>
    window[counter] === undefined ? [] : [`${window[counter]} ${counter}`],
  );
  const caps = [...counts, ...formatCosts(window.cost ?? {}), ...formatUnits(window.units)];
  return caps.length > 0 ? sentence(caps) : 'no cap';
}
