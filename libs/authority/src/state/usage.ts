import {
  COUNTERS,
  type BudgetLimit,
  type Consumed,
  type Counter,
  type Effect,
  type WindowCap,
} from '@bailiwick/contracts/grant';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * Accounting of one grant for its whole subtree (I3). Whole numbers, minor units; plain values, equal on every fold
 * (I10). Changed in place, by `evolve` only. Counts are committed when a permit is given (an attempt is an attempt) and
 * never given back; money is reserved then, and committed as spent when the outcome is known.
 */
export interface MutableUsage {
  readonly committed: Mutable;
  readonly reserved: Mutable;
  /** one per window of the budget, same order */
  readonly windows: WindowOfUsage[];
}
export type Mutable = { -readonly [K in keyof Consumed]: Consumed[K] };

interface Bucket {
  readonly start: number;
  readonly used: Mutable;
}
interface WindowOfUsage {
  /** oldest first */
  readonly buckets: Bucket[];
  /** it began while money was in flight that is not in its buckets: it gives nothing back that may not be its own */
  readonly keeps?: true;
}

export const nothing = (): Mutable => ({ calls: 0, reads: 0, writes: 0, external: 0, cost: {} });

export function emptyUsage(budget: BudgetLimit): MutableUsage {
  return { committed: nothing(), reserved: nothing(), windows: budget.windows.map(() => ({ buckets: [] })) };
}

const COUNTED: Record<Effect, Counter> = { read: 'reads', write: 'writes', exec: 'writes', external: 'external' };

/** What one action reserves: a call, a count of each of its effects, its money. */
export function chargeOf(effects: Effect | readonly Effect[], cost: Readonly<Record<string, number>>): Consumed {
  const charge = nothing();
  charge.calls = 1;
  for (const effect of typeof effects === 'string' ? [effects] : effects) charge[COUNTED[effect]] = 1;
  const spent = Object.entries(cost).filter(([, value]) => value > 0);
  charge.cost = Object.fromEntries(spent.sort(([a], [b]) => (a < b ? -1 : 1)));
  return charge;
}

/** A permit: its counts are used, its money is held. `now` never goes back. */
export function reserve(usage: MutableUsage, budget: BudgetLimit, charge: Consumed, now: number): void {
  for (const counter of COUNTERS) usage.committed[counter] += charge[counter];
  addCost(usage.reserved.cost, charge.cost, 1);
  budget.windows.forEach((window, i) => {
    const { buckets } = usage.windows[i] as WindowOfUsage;
    dropOld(buckets, window, now);
    add(newest(buckets, window, now).used, charge);
  });
}

/**
 * The outcome: what was reserved is released, what was spent is committed, above what was reserved too. A window counts
 * by the time of the permit: the difference goes to its bucket; where that has left, only what was spent beyond it
 * counts, as of now.
 */
export function commit(
  usage: MutableUsage,
  budget: BudgetLimit,
  reserved: Consumed,
  spent: Consumed,
  reservedAt: number,
  now: number,
): void {
  addCost(usage.reserved.cost, reserved.cost, -1);
  addCost(usage.committed.cost, spent.cost, 1);
  budget.windows.forEach((window, i) => {
    const { buckets, keeps } = usage.windows[i] as WindowOfUsage;
    const start = bucketStart(window, reservedAt);
    const bucket = keeps || hasLeft(start, window, now) ? undefined : buckets.findLast((each) => each.start === start);
    if (bucket) {
      addCost(bucket.used.cost, reserved.cost, -1);
      addCost(bucket.used.cost, spent.cost, 1);
      return;
    }
    const over = Object.entries(spent.cost).map(
      ([currency, value]) => [currency, value - (reserved.cost[currency] ?? 0)] as const,
    );
    const beyond = over.filter(([, value]) => value > 0);
    if (beyond.length > 0) addCost(newest(buckets, window, now).used.cost, Object.fromEntries(beyond), 1);
  });
}

/** A grant that takes another's place takes over what was used; windows are matched by their length. */
export function carryUsage(old: MutableUsage, oldBudget: BudgetLimit, budget: BudgetLimit): MutableUsage {
  const copy = structuredClone(old);
  const inFlight = Object.keys(copy.reserved.cost).length > 0;
  return {
    committed: copy.committed,
    reserved: copy.reserved,
    windows: budget.windows.map((window) => {
      const i = oldBudget.windows.findIndex((each) => windowMs(each) === windowMs(window));
      return copy.windows[i] ?? (inFlight ? { buckets: [], keeps: true } : { buckets: [] });
    }),
  };
}

/** Counts whose lifetime cap this charge reaches: certain already at the permit, since counts are never given back. */
export function countsReached(usage: MutableUsage, budget: BudgetLimit, charge: Consumed): string[] {
  return COUNTERS.filter(
    (counter) => charge[counter] > 0 && usage.committed[counter] + charge[counter] >= budget[counter],
  ).map((counter) => `budget.${counter}`);
}

/**
 * Money caps once `charge` is committed in place of what was reserved for it: those that are reached exactly, and those
 * that it carries over, what other actions hold included. A cap that was exceeded before, and by this action no further
 * than it had reserved, is neither: what exceeded it has had its consequence.
 */
export function moneyAfter(
  usage: MutableUsage,
  budget: BudgetLimit,
  reserved: Consumed,
  charge: Consumed,
): { reached: string[]; carriedOver: string[] } {
  const reached: string[] = [];
  const carriedOver: string[] = [];
  for (const [currency, spent] of Object.entries(charge.cost)) {
    if (spent <= 0) continue;
    const held = reserved.cost[currency] ?? 0;
    const used = (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0) - held + spent;
    const cap = budget.cost[currency] ?? 0;
    if (used > cap && spent > held) carriedOver.push(`budget.cost.${currency}`);
    else if (used === cap && (usage.reserved.cost[currency] ?? 0) === held) reached.push(`budget.cost.${currency}`);
  }
  return { reached: reached.sort(), carriedOver: carriedOver.sort() };
}

/**
 * What one action could still have cost a grant, in addition to the `held` that is reserved for it: by the lifetime
 * cap, by each window, and by the cap of one action.
 */
export function moneyLeft(
  usage: MutableUsage,
  budget: BudgetLimit,
  currency: string,
  held: number,
  now: number,
): number {
  const used = (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0);
  const left = [(budget.cost[currency] ?? 0) - used];
  budget.windows.forEach((window, i) => {
    const cap = window.cost?.[currency];
    if (cap === undefined) return;
    left.push(cap - (windowUsed(usage.windows[i]?.buckets ?? [], window, now).cost[currency] ?? 0));
  });
  const each = budget.perAction?.cost?.[currency];
  if (each !== undefined) left.push(each - held);
  return Math.max(0, Math.min(...left));
}

/** What is left of each lifetime cap, the least of the chain; `charge` is taken as reserved already. */
export function remainingOf(
  chain: readonly { usage: MutableUsage; limits: { budget: BudgetLimit } }[],
  charge: Consumed = nothing(),
): Consumed {
  const left = nothing();
  chain.forEach(({ usage, limits: { budget } }, i) => {
    for (const counter of COUNTERS) {
      const value = Math.max(0, budget[counter] - usage.committed[counter] - charge[counter]);
      left[counter] = i === 0 ? value : Math.min(left[counter], value);
    }
    for (const currency of Object.keys(i === 0 ? budget.cost : left.cost)) {
      const used =
        (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0) + (charge.cost[currency] ?? 0);
      const value = Math.max(0, (budget.cost[currency] ?? 0) - used);
      left.cost[currency] = i === 0 ? value : Math.min(left.cost[currency] ?? 0, value);
    }
  });
  return left;
}

/** Used within the window that ends now. A bucket counts until the last instant it may hold has left the window. */
export function windowUsed(buckets: readonly WindowBucket[], window: WindowCap, now: number): Consumed {
  const used = nothing();
  for (const bucket of buckets) if (!hasLeft(bucket.start, window, now)) add(used, bucket.used);
  return used;
}
type WindowBucket = { readonly start: number; readonly used: Consumed };

/** When the oldest counted bucket leaves, ms; Infinity where it never does. */
export function windowMoves(buckets: readonly WindowBucket[], window: WindowCap, now: number): number {
  const oldest = buckets.find((bucket) => !hasLeft(bucket.start, window, now));
  return (oldest?.start ?? now) + bucketMs(window) + windowMs(window);
}

/** Length of a window, ms. What is no duration never moves, what is too short is longer (I11). */
export function windowMs(window: WindowCap): number {
  return Math.max(parseDuration(window.per) ?? Infinity, LIMITS.windowMinMs);
}

const bucketMs = (window: WindowCap): number => Math.ceil(windowMs(window) / LIMITS.windowBuckets);
const bucketStart = (window: WindowCap, at: number): number => at - (at % bucketMs(window));
const hasLeft = (start: number, window: WindowCap, now: number): boolean =>
  start + bucketMs(window) + windowMs(window) <= now;

/** The bucket of now, made where it is not there yet. */
function newest(buckets: Bucket[], window: WindowCap, now: number): Bucket {
  const start = bucketStart(window, now);
  const last = buckets[buckets.length - 1];
  if (last && last.start >= start) return last;
  const fresh = { start, used: nothing() };
  buckets.push(fresh);
  return fresh;
}

function dropOld(buckets: Bucket[], window: WindowCap, now: number): void {
  let gone = 0;
  while (gone < buckets.length && hasLeft((buckets[gone] as Bucket).start, window, now)) gone += 1;
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
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a currency that was given back is as one never used
    if (sum === 0) delete into[currency];
    else into[currency] = sum;
  }
}
