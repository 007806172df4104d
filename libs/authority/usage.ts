import { COUNTERS, type BudgetLimit, type Consumed, type Counter, type Effect, type WindowCap } from '#contracts/grant';
import { parseDuration } from '#kernel/duration';
import { LIMITS } from '#kernel/limits';

/**
 * Accounting of one grant for its whole subtree (I3). Whole numbers, minor units. Changed in place by `evolve` only.
 * Counts are committed when a permit is given (an attempt is an attempt); money is reserved, and committed as spent.
 */
export interface MutableUsage {
  readonly committed: Mutable;
  readonly reserved: Mutable;
  /** one per window of the budget, same order */
  readonly windows: { buckets: { start: number; used: Mutable }[] }[];
}
export type Mutable = { -readonly [K in keyof Consumed]: Consumed[K] };

export const nothing = (): Mutable => ({ calls: 0, reads: 0, writes: 0, external: 0, cost: {} });

export function emptyUsage(budget: BudgetLimit): MutableUsage {
  return { committed: nothing(), reserved: nothing(), windows: budget.windows.map(() => ({ buckets: [] })) };
}

const COUNTED: Record<Effect, Counter> = { read: 'reads', write: 'writes', exec: 'writes', external: 'external' };

/** What one action reserves: a call, a count of its effect, its money. */
export function chargeOf(effect: Effect, cost: Readonly<Record<string, number>>): Consumed {
  const charge = nothing();
  charge.calls = 1;
  charge[COUNTED[effect]] += 1;
  charge.cost = Object.fromEntries(Object.entries(cost).filter(([, value]) => value > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
  return charge;
}

export function reserve(usage: MutableUsage, budget: BudgetLimit, charge: Consumed, now: number): void {
  for (const counter of COUNTERS) usage.committed[counter] += charge[counter];
  addCost(usage.reserved.cost, charge.cost, 1);
  budget.windows.forEach((window, i) => {
    const buckets = (usage.windows[i] as MutableUsage['windows'][number]).buckets;
    const start = bucketStart(window, now);
    dropOld(buckets, window, now);
    const last = buckets[buckets.length - 1];
    if (last && last.start === start) add(last.used, charge);
    else buckets.push({ start, used: add(nothing(), charge) });
  });
}

/**
 * The outcome: what was reserved is released, what was spent is committed. In a window the difference goes to the
 * bucket of the permit, or, where that has left and more was spent, to now.
 */
export function commit(usage: MutableUsage, budget: BudgetLimit, reserved: Consumed, spent: Consumed, reservedAt: number, now: number): void {
  addCost(usage.reserved.cost, reserved.cost, -1);
  addCost(usage.committed.cost, spent.cost, 1);
  budget.windows.forEach((window, i) => {
    const buckets = (usage.windows[i] as MutableUsage['windows'][number]).buckets;
    const start = bucketStart(window, reservedAt);
    const bucket = buckets.find((each) => each.start === start);
    if (bucket) {
      addCost(bucket.used.cost, reserved.cost, -1);
      addCost(bucket.used.cost, spent.cost, 1);
    } else if (Object.keys(spent.cost).length > 0 && now - reservedAt < windowMs(window)) {
      buckets.push({ start: bucketStart(window, now), used: { ...nothing(), cost: { ...spent.cost } } });
    }
  });
}

/** A grant that takes another's place takes over what was used; windows are matched by their length. */
export function carryUsage(old: MutableUsage, oldBudget: BudgetLimit, budget: BudgetLimit): MutableUsage {
  const copy = structuredClone(old);
  return {
    committed: copy.committed,
    reserved: copy.reserved,
    windows: budget.windows.map((window) => {
      const i = oldBudget.windows.findIndex((each) => windowMs(each) === windowMs(window));
      return i < 0 ? { buckets: [] } : (copy.windows[i] as MutableUsage['windows'][number]);
    }),
  };
}

/** Counts whose lifetime cap this charge reaches: certain already at the permit, since counts are never given back. */
export function countsReached(usage: MutableUsage, budget: BudgetLimit, charge: Consumed): string[] {
  return COUNTERS.filter((counter) => charge[counter] > 0 && usage.committed[counter] + charge[counter] >= budget[counter]).map(
    (counter) => `budget.${counter}`,
  );
}

/** Money caps that are reached once `spent` is committed in place of `reserved`. */
export function moneyReached(usage: MutableUsage, budget: BudgetLimit, spent: Consumed): string[] {
  return Object.entries(spent.cost)
    .filter(([currency, value]) => value > 0 && (usage.committed.cost[currency] ?? 0) + value >= (budget.cost[currency] ?? 0))
    .map(([currency]) => `budget.cost.${currency}`)
    .sort();
}

/** What is left of each lifetime cap, the least of the chain; `charge` is taken as reserved already. */
export function remainingOf(chain: readonly { usage: MutableUsage; limits: { budget: BudgetLimit } }[], charge: Consumed = nothing()): Consumed {
  const left = nothing();
  chain.forEach(({ usage, limits: { budget } }, i) => {
    for (const counter of COUNTERS) {
      const value = Math.max(0, budget[counter] - usage.committed[counter] - charge[counter]);
      left[counter] = i === 0 ? value : Math.min(left[counter], value);
    }
    for (const currency of Object.keys(i === 0 ? budget.cost : left.cost)) {
      const used = (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0) + (charge.cost[currency] ?? 0);
      const value = Math.max(0, (budget.cost[currency] ?? 0) - used);
      left.cost[currency] = i === 0 ? value : Math.min(left.cost[currency] ?? 0, value);
    }
  });
  return left;
}

/** Used within the window that ends now. Conservative: a bucket counts until the last instant it holds has left. */
export function windowUsed(buckets: readonly { start: number; used: Consumed }[], window: WindowCap, now: number): Consumed {
  const used = nothing();
  for (const bucket of buckets) if (!hasLeft(bucket.start, window, now)) add(used, bucket.used);
  return used;
}

/** When the oldest counted bucket leaves, ms. */
export function windowMoves(buckets: readonly { start: number }[], window: WindowCap, now: number): number {
  const oldest = buckets.find((bucket) => !hasLeft(bucket.start, window, now));
  return (oldest?.start ?? now) + bucketMs(window) + windowMs(window);
}

export const windowMs = (window: WindowCap): number => parseDuration(window.per) ?? 0;
const bucketMs = (window: WindowCap): number => Math.max(1, Math.floor(windowMs(window) / LIMITS.windowBuckets));
const bucketStart = (window: WindowCap, at: number): number => at - (at % bucketMs(window));
const hasLeft = (start: number, window: WindowCap, now: number): boolean => start + bucketMs(window) + windowMs(window) <= now;

function dropOld(buckets: { start: number; used: Mutable }[], window: WindowCap, now: number): void {
  let gone = 0;
  while (gone < buckets.length && hasLeft((buckets[gone] as { start: number }).start, window, now)) gone += 1;
  if (gone > 0) buckets.splice(0, gone);
}

function add(into: Mutable, charge: Consumed): Mutable {
  for (const counter of COUNTERS) into[counter] += charge[counter];
  addCost(into.cost, charge.cost, 1);
  return into;
}

function addCost(into: Record<string, number>, cost: Readonly<Record<string, number>>, sign: 1 | -1): void {
  for (const [currency, value] of Object.entries(cost)) {
    const sum = (into[currency] ?? 0) + sign * value;
    if (sum === 0) delete into[currency];
    else into[currency] = sum;
  }
}
