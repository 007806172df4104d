import {
  COUNTER_OF,
  COUNTERS,
  type BudgetLimit,
  type Consumed,
  type Effect,
  type WindowCap,
} from '@bailiwick/contracts/grants/grant';
import type { CalendarPeriod } from '@bailiwick/contracts/events/event';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * The accounting of one grant for its whole subtree (I3): whole numbers, minor units; plain values, equal on every fold
 * (I10). Only `evolve` changes it, in place. Counts are committed when a permit is given, since an attempt counts as
 * one, and are never released; only a lease below for which they are set aside reserves them. Money and units are reserved with the permit and committed with the outcome.
 */
export interface MutableUsage {
  readonly committed: Mutable;
  readonly reserved: Mutable;
  /** one per window of the budget, same order */
  readonly windows: WindowOfUsage[];
  /** one per scope of the lease (`scopes.ts`), same order; absent if it has none */
  readonly scopes?: Mutable[];
  /** what is set aside for this lease from its ancestors (`reserves.ts`); absent if nothing is, or once it has ended */
  aside?: Consumed;
}
export type Mutable = { -readonly [K in keyof Consumed]: Consumed[K] };

interface Bucket {
  readonly start: number;
  /** of a calendar window: the end of the period, as recorded when it started */
  readonly end?: number;
  readonly used: Mutable;
}
interface WindowOfUsage {
  /** oldest first */
  readonly buckets: Bucket[];
  /**
   * the window started while amounts were in flight: the position of the event that added it. What was permitted before
   * is not in its buckets, and its outcome releases nothing from them
   */
  readonly since?: number;
}

export const nothing = (): Mutable => ({ calls: 0, reads: 0, writes: 0, external: 0, cost: {} });

export function emptyUsage(budget: BudgetLimit): MutableUsage {
  return { committed: nothing(), reserved: nothing(), windows: budget.windows.map(() => ({ buckets: [] })) };
}

/** Amounts by currency, or by unit. */
export type Amounts = Readonly<Record<string, number>>;
/** The kinds of amounts that an action reserves and its outcome settles. */
export const SETTLED = ['cost', 'units'] as const;
export type Settled = (typeof SETTLED)[number];
const NO_AMOUNTS: Amounts = {};

/** Returns what one action reserves: a call, a count for each of its effects, its money and its units. */
export function chargeOf(effects: Effect | readonly Effect[], cost: Amounts, units?: Amounts): Consumed {
  const charge = nothing();
  charge.calls = 1;
  for (const effect of typeof effects === 'string' ? [effects] : effects) charge[COUNTER_OF[effect]] = 1;
  charge.cost = positive(cost);
  if (units !== undefined) setUnits(charge, positive(units));
  return charge;
}

function positive(amounts: Amounts): Record<string, number> {
  const names = Object.keys(amounts);
  if (names.length === 0) return {}; // as of most calls
  const entries = names.map((name) => [name, amounts[name] as number] as const);
  return Object.fromEntries(entries.filter(([, value]) => value > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Records a permit: commits its counts and reserves its money. `now` never decreases.
 * @param periods the calendar periods that the permit records; at least those that start with it in this budget
 * @throws RangeError if a period that starts is not among them
 */
export function reserve(
  usage: MutableUsage,
  budget: BudgetLimit,
  charge: Consumed,
  now: number,
  periods?: readonly CalendarPeriod[],
): void {
  for (const counter of COUNTERS) usage.committed[counter] += charge[counter];
  addCost(usage.reserved.cost, charge.cost, 1);
  addUnits(usage.reserved, charge.units, 1);
  budget.windows.forEach((window, i) => {
    const { buckets } = usage.windows[i] as WindowOfUsage;
    if (window.timezone !== undefined) {
      addCharge(currentOrStarted(buckets, window, now, periods).used, charge);
      return;
    }
    dropOld(buckets, window, now);
    addCharge(newest(buckets, window, now).used, charge);
  });
}

/**
 * Records an outcome: releases the reservation and commits what was spent, even above the reservation. A window counts
 * by the time of the permit, so the difference is applied to that bucket; if the bucket has left the window, only the
 * excess counts, as of now. A calendar window counts each permit, with its outcome, in the period of the permit.
 * @param position of the permit in the log: a window that was added later does not contain its reservation
 */
export function commit(
  usage: MutableUsage,
  budget: BudgetLimit,
  reserved: Consumed,
  spent: Consumed,
  reservedAt: number,
  now: number,
  position = 0,
): void {
  addCost(usage.reserved.cost, reserved.cost, -1);
  addCost(usage.committed.cost, spent.cost, 1);
  addUnits(usage.reserved, reserved.units, -1);
  addUnits(usage.committed, spent.units, 1);
  budget.windows.forEach((window, i) => {
    const { buckets, since = 0 } = usage.windows[i] as WindowOfUsage;
    const isEarlier = since > position;
    if (window.timezone !== undefined) {
      const period = buckets[buckets.length - 1];
      if (period && !isEarlier && reservedAt >= period.start) settleCharge(period.used, reserved, spent);
      return;
    }
    const start = bucketStart(window, reservedAt);
    const bucket =
      isEarlier || hasLeft(start, window, now) ? undefined : buckets.findLast((each) => each.start === start);
    if (bucket) {
      settleCharge(bucket.used, reserved, spent);
      return;
    }
    const [cost, units] = [beyond(spent.cost, reserved.cost), beyond(spent.units, reserved.units)];
    if (cost) addCost(newest(buckets, window, now).used.cost, cost, 1);
    if (units) addUnits(newest(buckets, window, now).used, units, 1);
  });
}

/** Returns the amounts that exceed their reservation; undefined if none does. */
function beyond(spent: Amounts = NO_AMOUNTS, reserved: Amounts = NO_AMOUNTS): Amounts | undefined {
  const over = Object.entries(spent).map(([name, value]) => [name, value - (reserved[name] ?? 0)] as const);
  const found = over.filter(([, value]) => value > 0);
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

/**
 * Carries the usage over to other caps; windows are matched by their length, or by unit and time zone.
 * @param position of the event that changes the caps, in the log
 */
export function carryUsage(
  old: MutableUsage,
  oldBudget: BudgetLimit,
  budget: BudgetLimit,
  position: number,
): MutableUsage {
  const copy = structuredClone(old);
  const inFlight = Object.keys(copy.reserved.cost).length > 0 || copy.reserved.units !== undefined;
  return {
    committed: copy.committed,
    reserved: copy.reserved,
    windows: budget.windows.map((window) => {
      const i = oldBudget.windows.findIndex((each) => windowKey(each) === windowKey(window));
      return copy.windows[i] ?? (inFlight ? { buckets: [], since: position } : { buckets: [] });
    }),
  };
}

/** Returns the counts whose lifetime cap this charge reaches. Counts are never released, so a permit decides this. */
export function countsReached(usage: MutableUsage, budget: BudgetLimit, charge: Consumed): string[] {
  return COUNTERS.filter(
    (counter) => charge[counter] > 0 && usage.committed[counter] + charge[counter] >= budget[counter],
  ).map((counter) => `budget.${counter}`);
}

/**
 * Returns the caps of money and units that are reached exactly, and those that are exceeded, once `charge` is committed in place of
 * its reservation; reservations of other actions are included. A cap that was already exceeded, and by this action no
 * further than its reservation, is in neither list: the earlier excess already had its consequence.
 */
export function moneyAfter(
  usage: MutableUsage,
  budget: BudgetLimit,
  reserved: Consumed,
  charge: Consumed,
): { reached: string[]; carriedOver: string[] } {
  const reached: string[] = [];
  const carriedOver: string[] = [];
  for (const kind of SETTLED) {
    for (const [name, spent] of Object.entries(charge[kind] ?? NO_AMOUNTS)) {
      if (spent <= 0) continue;
      const held = reserved[kind]?.[name] ?? 0;
      const reservedInAll = usage.reserved[kind]?.[name] ?? 0;
      const used = (usage.committed[kind]?.[name] ?? 0) + reservedInAll - held + spent;
      const cap = budget[kind]?.[name] ?? 0;
      if (used > cap && spent > held) carriedOver.push(`budget.${kind}.${name}`);
      else if (used === cap && reservedInAll === held) reached.push(`budget.${kind}.${name}`);
    }
  }
  return { reached: reached.sort(), carriedOver: carriedOver.sort() };
}

/**
 * Returns the most that one action could still have cost a grant, in addition to the `held` amount reserved for it: by
 * the lifetime cap, by each window, and by the cap per action.
 */
export function moneyLeft(
  usage: MutableUsage,
  budget: BudgetLimit,
  currency: string,
  held: number,
  now: number,
): number {
  return leftOf('cost', usage, budget, currency, held, now);
}

/** Returns the same for an amount of a kind: of a currency, or of a unit. */
export function leftOf(
  kind: Settled,
  usage: MutableUsage,
  budget: BudgetLimit,
  name: string,
  held: number,
  now: number,
): number {
  const used = (usage.committed[kind]?.[name] ?? 0) + (usage.reserved[kind]?.[name] ?? 0);
  const left = [(budget[kind]?.[name] ?? 0) - used];
  budget.windows.forEach((window, i) => {
    const cap = window[kind]?.[name];
    if (cap === undefined) return;
    left.push(cap - (windowUsed(usage.windows[i]?.buckets ?? [], window, now)[kind]?.[name] ?? 0));
  });
  const each = budget.perAction?.[kind]?.[name];
  if (each !== undefined) left.push(each - held);
  return Math.max(0, Math.min(...left));
}

/**
 * Returns the remainder of each lifetime cap, the smallest of the chain; `charge` is assumed to be reserved already.
 */
export function remainingOf(
  chain: readonly { usage: MutableUsage; limits: { budget: BudgetLimit } }[],
  charge: Consumed = nothing(),
): Consumed {
  const left = nothing();
  chain.forEach(({ usage, limits: { budget } }, i) => {
    for (const counter of COUNTERS) {
      const used = usage.committed[counter] + usage.reserved[counter] + charge[counter];
      const value = Math.max(0, budget[counter] - used);
      left[counter] = i === 0 ? value : Math.min(left[counter], value);
    }
    for (const currency of Object.keys(i === 0 ? budget.cost : left.cost)) {
      const used =
        (usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0) + (charge.cost[currency] ?? 0);
      const value = Math.max(0, (budget.cost[currency] ?? 0) - used);
      left.cost[currency] = i === 0 ? value : Math.min(left.cost[currency] ?? 0, value);
    }
    if (i === 0 && budget.units !== undefined) left.units = {};
    for (const unit in i === 0 ? budget.units : left.units) {
      const { units = NO_AMOUNTS } = usage.committed;
      const used = (units[unit] ?? 0) + (usage.reserved.units?.[unit] ?? 0) + (charge.units?.[unit] ?? 0);
      const value = Math.max(0, (budget.units?.[unit] ?? 0) - used);
      (left.units as Mutable['cost'])[unit] = i === 0 ? value : Math.min(left.units?.[unit] ?? 0, value);
    }
  });
  return left;
}

/** Returns the usage within the window that ends now. A bucket counts until its last instant has left the window. */
export function windowUsed(buckets: readonly WindowBucket[], window: WindowCap, now: number): Consumed {
  const used = nothing();
  if (window.timezone !== undefined) {
    const period = currentPeriod(buckets, now);
    if (period) addCharge(used, period.used);
    return used;
  }
  for (const bucket of buckets) if (!hasLeft(bucket.start, window, now)) addCharge(used, bucket.used);
  return used;
}
type WindowBucket = { readonly start: number; readonly end?: number; readonly used: Consumed };

/** Returns the time at which the oldest counted bucket leaves, ms; Infinity if it never does. */
export function windowMoves(buckets: readonly WindowBucket[], window: WindowCap, now: number): number {
  const oldest = buckets.find((bucket) => !hasLeft(bucket.start, window, now));
  return (oldest?.start ?? now) + bucketMs(window) + windowMs(window);
}

/**
 * Returns the recorded period of a calendar window that contains `now`. It lasts until its recorded end, whatever this
 * machine knows about the time zone, so that usage never starts again before it.
 */
export function currentPeriod<B extends { readonly end?: number }>(buckets: readonly B[], now: number): B | undefined {
  const last = buckets[buckets.length - 1];
  return last?.end !== undefined && now < last.end ? last : undefined;
}

function currentOrStarted(
  buckets: Bucket[],
  { per, timezone }: WindowCap,
  now: number,
  periods: readonly CalendarPeriod[] = [],
): Bucket {
  const current = currentPeriod(buckets, now);
  if (current) return current;
  const period = periods.find((each) => each.per === per && each.timezone === timezone);
  const [start, end] = [Date.parse(period?.start ?? ''), Date.parse(period?.end ?? '')];
  if (!(start <= now && now < end))
    throw new RangeError(`the permit records no ${per} of ${timezone ?? ''} at its time`);
  // what was permitted before the end of the last period is counted there, even if this one overlaps it
  const started = { start: Math.max(start, buckets[buckets.length - 1]?.end ?? start), end, used: nothing() };
  buckets.splice(0, buckets.length, started);
  return started;
}

/** Identifies a window in a budget: two windows of one key are the same window. */
export const windowKey = (window: WindowCap): string =>
  window.timezone === undefined ? String(windowMs(window)) : `${window.per} ${window.timezone}`;

/** Returns the length of a window, ms: infinite for an invalid duration, at least the minimum otherwise (I11). */
export function windowMs(window: WindowCap): number {
  return Math.max(parseDuration(window.per) ?? Infinity, LIMITS.windowMinMs);
}

const bucketMs = (window: WindowCap): number => Math.ceil(windowMs(window) / LIMITS.windowBuckets);
const bucketStart = (window: WindowCap, at: number): number => at - (at % bucketMs(window));
const hasLeft = (start: number, window: WindowCap, now: number): boolean =>
  start + bucketMs(window) + windowMs(window) <= now;

/** Returns the bucket of the current time and creates it if needed. */
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

/** Adds a charge to a sum. */
export function addCharge(into: Mutable, charge: Consumed): void {
  for (const counter of COUNTERS) into[counter] += charge[counter];
  addCost(into.cost, charge.cost, 1);
  addUnits(into, charge.units, 1);
}

/** Replaces the reserved money and units in a sum by those that were spent. */
export function settleCharge(into: Mutable, reserved: Consumed, spent: Consumed): void {
  addCost(into.cost, reserved.cost, -1);
  addCost(into.cost, spent.cost, 1);
  addUnits(into, reserved.units, -1);
  addUnits(into, spent.units, 1);
}

/** Adds units. The member is absent if there are none, so that usage without units is as small as before. */
function addUnits(into: Mutable, units: Amounts | undefined, sign: 1 | -1): void {
  if (units === undefined) return;
  const sum = into.units ?? {};
  addCost(sum, units, sign);
  setUnits(into, sum);
}

function setUnits(into: Mutable, units: Record<string, number>): void {
  if (Object.keys(units).length > 0) into.units = units;
  else delete into.units;
}

function addCost(into: Record<string, number>, cost: Amounts, sign: 1 | -1): void {
  for (const [currency, value] of Object.entries(cost)) {
    const sum = (into[currency] ?? 0) + sign * value;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a currency with nothing left equals one that was never used
    if (sum === 0) delete into[currency];
    else into[currency] = sum;
  }
}
