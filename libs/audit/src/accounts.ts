import { windowKey, windowMs } from '@bailiwick/authority/state/usage';
import type { CalendarPeriod } from '@bailiwick/contracts/events/event';
import type { Usage } from '@bailiwick/authority/dimensions/dimension';
import { matchesVerb } from '@bailiwick/authority/matching/verbs/verb';
import {
  COUNTERS,
  type BudgetLimit,
  type Consumed,
  type Counter,
  type VerbCap,
  type WindowCap,
} from '@bailiwick/contracts/grants/grant';

/** An amount that counts in a window until it leaves the window. */
interface Part {
  readonly at: number;
  readonly of: Entry;
  readonly what: string;
  value: number;
}

/** The shortest and longest period of a unit, ms, with clocks that are set back or forward. */
const HOUR = 3_600_000;
const LENGTHS = {
  day: [20 * HOUR, 28 * HOUR],
  week: [(7 * 24 - 28) * HOUR, (7 * 24 + 28) * HOUR],
  month: [(28 * 24 - 28) * HOUR, (31 * 24 + 28) * HOUR],
} as const;

/**
 * The newest period of a calendar window, as the events state it: no time zone data are read here. It lasts until its
 * stated end.
 */
class Calendar {
  private end = -Infinity;
  private sums = new Map<string, number>();
  private entries = new Set<Entry>();

  constructor(private readonly cap: WindowCap) {}

  used(what: string, now: number): number {
    return now < this.end ? (this.sums.get(what) ?? 0) : 0;
  }

  /** Starts the period that an entry states, unless one lasts. Returns what is wrong with it. */
  start({ at, periods = [] }: Entry): string | undefined {
    if (at < this.end) return undefined;
    const { per, timezone } = this.cap;
    const stated = periods.find((each) => each.per === per && each.timezone === timezone);
    const [start, end] = [Date.parse(stated?.start ?? ''), Date.parse(stated?.end ?? '')];
    const [least, most] = LENGTHS[per as keyof typeof LENGTHS];
    const isPlausible = start <= at && at < end && end - start >= least && end - start <= most;
    this.end = isPlausible ? end : at + most;
    this.sums = new Map();
    this.entries = new Set();
    return isPlausible ? undefined : `it states no plausible ${per} of ${timezone ?? ''}`;
  }

  put(of: Entry, what: string, value: number): void {
    this.entries.add(of);
    add(this.sums, what, value);
  }

  settle(of: Entry, what: string, value: number): void {
    if (this.entries.has(of)) add(this.sums, what, value - (amountsOf(of.charge)[what] ?? 0));
  }
}

class Window {
  private readonly parts: Part[] = [];
  private gone = 0;
  private readonly sums = new Map<string, number>();

  constructor(private readonly ms: number) {}

  used(what: string, now: number): number {
    for (let part = this.parts[this.gone]; part && part.at <= now - this.ms; part = this.parts[this.gone]) {
      this.add(part.what, -part.value);
      this.gone += 1;
    }
    if (this.gone > 1_000 && this.gone * 2 > this.parts.length) {
      this.parts.splice(0, this.gone);
      this.gone = 0;
    }
    return this.sums.get(what) ?? 0;
  }

  put(of: Entry, what: string, value: number, at: number): void {
    this.parts.push({ at, of, what, value });
    this.add(what, value);
  }

  /** Replaces the amount reserved for an entry by the settled one. */
  settle(of: Entry, what: string, value: number, now: number): void {
    this.used(what, now);
    const part = this.parts.slice(this.gone).find((each) => each.of === of && each.what === what);
    if (part) {
      this.add(what, value - part.value);
      part.value = value;
      return;
    }
    // an overrun that is reported after its permit has certainly left the window counts from the report
    const beyond = value - (amountsOf(of.charge)[what] ?? 0);
    if (beyond > 0 && of.at + this.ms + Math.ceil(this.ms / 256) <= now) this.put(of, what, beyond, now);
  }

  private add(what: string, value: number): void {
    this.sums.set(what, (this.sums.get(what) ?? 0) + value);
  }
}

/** Money and units together: names of units are in lower case, and those of currencies in upper case. */
export const amountsOf = (of: {
  readonly cost?: Amounts | undefined;
  readonly units?: Amounts | undefined;
}): Amounts => (of.units === undefined ? (of.cost ?? NO_AMOUNTS) : { ...of.cost, ...of.units });
export type Amounts = Readonly<Record<string, number>>;
const NO_AMOUNTS: Amounts = {};

/** The charge of one permit. */
export interface Entry {
  readonly charge: Consumed;
  readonly at: number;
  readonly verb: string;
  readonly periods?: readonly CalendarPeriod[] | undefined;
}

/** The amounts charged for the actions of one entry of `perVerb`. */
class VerbSums {
  readonly sums = new Map<string, number>();
  /** permits that are charged here */
  readonly entries = new Set<Entry>();

  constructor(readonly cap: VerbCap) {}

  get key(): string {
    return [...this.cap.actions].sort().join(' ');
  }

  /** Adds a permit that the entry covers. Returns a description of an exceeded cap. */
  charge(entry: Entry): string | undefined {
    if (!this.cap.actions.some((pattern) => matchesVerb(pattern, entry.verb))) return undefined;
    this.entries.add(entry);
    const charged: Amounts = { calls: entry.charge.calls, ...amountsOf(entry.charge) };
    const caps: Amounts = {
      ...amountsOf(this.cap),
      ...(this.cap.calls === undefined ? {} : { calls: this.cap.calls }),
    };
    for (const [what, value] of Object.entries(charged)) {
      add(this.sums, what, value);
      const [used, most] = [this.sums.get(what) ?? 0, caps[what]];
      if (most !== undefined && value > 0 && used > most)
        return `${used} of ${most} ${what} of ${this.cap.actions.join(', ')}`;
    }
    return undefined;
  }

  settle(entry: Entry, reserved: Amounts, spent: Amounts): void {
    if (!this.entries.delete(entry)) return;
    for (const [what, value] of Object.entries(reserved)) add(this.sums, what, -value);
    for (const [what, value] of Object.entries(spent)) add(this.sums, what, value);
  }
}

/**
 * Sums the use of one grant and its successors, including all grants below (I3). Uses the events alone, and a different
 * algorithm than the decider: a window here is exact to the millisecond, while the decider counts in parts of a window
 * and therefore slightly longer. A cap that is exceeded here was also exceeded there.
 */
export class Account {
  private readonly counts = { calls: 0, reads: 0, writes: 0, external: 0 };
  private readonly spent = new Map<string, number>();
  private readonly held = new Map<string, number>();
  private windows: Map<string, Window | Calendar>;

  private verbs: VerbSums[];
  /** the accounts directly below in or below which something is set aside */
  private readonly below = new Set<Account>();
  private open = true;

  /**
   * @param above the account of the parent
   * @param unnamed the cap of a currency or unit that the budget does not name
   */
  constructor(
    private budget: BudgetLimit,
    private readonly above?: Account,
    private readonly unnamed = 0,
  ) {
    this.joinAbove();
    this.verbs = (budget.perVerb ?? []).map((cap) => new VerbSums(cap));
    this.windows = new Map(budget.windows.map((each) => [windowKey(each), windowOf(each)]));
  }

  /** Applies a raised grant: the counts continue under the new budget, and a new window starts empty. */
  raise(budget: BudgetLimit): void {
    const old = this.windows;
    this.budget = budget;
    this.joinAbove();
    const verbs = new Map(this.verbs.map((each) => [each.key, each]));
    this.verbs = (budget.perVerb ?? []).map((cap) => {
      const raised = new VerbSums(cap);
      const before = verbs.get(raised.key);
      for (const [what, value] of before?.sums ?? []) raised.sums.set(what, value);
      for (const entry of before?.entries ?? []) raised.entries.add(entry);
      return raised;
    });
    this.windows = new Map(budget.windows.map((each) => [windowKey(each), old.get(windowKey(each)) ?? windowOf(each)]));
  }

  /** The lease has ended: what is set aside for it and unused returns to those above. */
  end(): void {
    this.open = false;
  }

  private joinAbove(): void {
    if (!this.budget.reserve) return;
    for (let each: Account = this; each.above; each = each.above) each.above.below.add(each); // eslint-disable-line @typescript-eslint/no-this-alias -- the walk starts here
  }

  private chargedOf(what: string): number {
    return isCount(what) ? this.counts[what] : (this.spent.get(what) ?? 0) + (this.held.get(what) ?? 0);
  }

  private capOf(what: string): number {
    return isCount(what) ? this.budget[what] : (amountsOf(this.budget)[what] ?? 0);
  }

  /** Returns what counts against the cap: what is charged, and what is set aside below and unused. */
  total(what: string): number {
    let total = this.chargedOf(what);
    for (const each of this.below)
      total += Math.max(each.total(what), each.isSetAside ? each.capOf(what) : 0) - each.chargedOf(what);
    return total;
  }

  private get isSetAside(): boolean {
    return this.open && this.budget.reserve === true;
  }

  /** Returns what is set aside for this account and unused. */
  slack(what: string): number {
    return this.isSetAside && this.above ? Math.max(0, this.capOf(what) - this.total(what)) : 0;
  }

  /** Returns the totals that a charge concerns, before it is made. */
  totals({ charge }: Pick<Entry, 'charge'>): ReadonlyMap<string, number> {
    return new Map([...COUNTERS, ...Object.keys(amountsOf(charge))].map((what) => [what, this.total(what)]));
  }

  /**
   * Returns what is used, as the lease of a chain sees it from below, for a comparison with other caps than its own. Of the
   * windows and of the verbs it has those of its budget, in their order.
   * @param under the accounts of the leases of the chain below this one
   * @param at ms
   */
  usage(under: readonly Account[], at: number): Omit<Usage, 'scopes'> & { readonly verbs: readonly Consumed[] } {
    const amounts = new Set([...this.spent.keys(), ...this.held.keys(), ...Object.keys(amountsOf(this.budget))]);
    const committed = consumed(amounts, (what) =>
      under.reduce((used, each) => used - each.slack(what), this.total(what)),
    );
    const windows = this.budget.windows.map((cap) => {
      const window = this.windows.get(windowKey(cap));
      const used = consumed(amounts, (what) => window?.used(what, at) ?? 0);
      return { buckets: [{ start: at, end: Infinity, used }] };
    });
    const verbs = this.verbs.map(({ sums }) => consumed(sums.keys(), (what) => sums.get(what) ?? 0));
    return { committed, reserved: consumed([], () => 0), windows, verbs };
  }

  /** Returns all totals of the caps of the lifetime. */
  standing(): ReadonlyMap<string, number> {
    return new Map([...COUNTERS, ...Object.keys(amountsOf(this.budget))].map((what) => [what, this.total(what)]));
  }

  /**
   * Returns the caps of the lifetime that are exceeded by what was set aside since.
   * @param before the totals before; a cap that was exceeded already, as after a narrowing, is no fault of what came since
   */
  overdrawn(before: ReadonlyMap<string, number>): string[] {
    return [...this.standing()]
      .filter(([what, total]) => total > this.capOf(what) && total > (before.get(what) ?? 0))
      .map(([what, total]) => `${total} of ${this.capOf(what)} ${what} are used or set aside`);
  }

  /**
   * Charges a permit. Returns a description of an exceeded cap; whether the permit used up a count; and of a cap that it
   * takes beyond the share for which a person is asked.
   * @param before the totals before any account of the chain was charged
   * @param under the accounts of the leases of the chain below this one, already charged
   */
  charge(
    entry: Entry,
    before: ReadonlyMap<string, number> = new Map(),
    under: readonly Account[] = [],
  ): { over: string | undefined; usedUp: boolean; asks: string | undefined } {
    const { charge, at } = entry;
    let over: string | undefined;
    let usedUp = false;
    for (const counter of COUNTERS) {
      this.counts[counter] += charge[counter];
      if (charge[counter] === 0) continue;
      const [used, cap] = [this.total(counter), this.budget[counter]];
      if (used > cap && used > (before.get(counter) ?? 0)) over ??= `${used} of ${cap} ${counter} are used`;
      usedUp ||= this.counts[counter] >= cap;
    }
    const caps = amountsOf(this.budget);
    for (const [currency, value] of Object.entries(amountsOf(charge))) {
      add(this.held, currency, value);
      const used = this.total(currency);
      const cap = caps[currency] ?? this.unnamed;
      if (used > cap && used > (before.get(currency) ?? 0)) over ??= `${used} of ${cap} ${currency} are spent or held`;
    }
    for (const each of this.verbs) {
      const exceeded = each.charge(entry);
      over ??= exceeded;
    }
    for (const window of this.windows.values()) {
      const wrong = window instanceof Calendar ? window.start(entry) : undefined;
      over ??= wrong;
    }
    for (const window of this.budget.windows) over ??= this.overWindow(entry, window);
    for (const window of this.windows.values()) put(window, entry, at);
    return { over, usedUp, asks: this.asks(entry, under) };
  }

  private asks({ charge, at, verb }: Entry, under: readonly Account[]): string | undefined {
    const { askAt, perVerb = [], windows } = this.budget;
    if (askAt === undefined) return undefined;
    const charged: Amounts = { ...countsOf(charge), ...amountsOf(charge) };
    const find = (caps: Amounts, used: (what: string) => number): string | undefined =>
      Object.keys(charged).find((what) => {
        const most = caps[what];
        return most !== undefined && (charged[what] ?? 0) > 0 && used(what) > askAt * most;
      });
    const found = [
      find({ ...countsOf(this.budget), ...amountsOf(this.budget) }, (what) =>
        under.reduce((used, each) => used - each.slack(what), this.total(what)),
      ),
      ...windows.map((cap) =>
        find({ ...countsOf(cap), ...amountsOf(cap) }, (what) => this.windows.get(windowKey(cap))?.used(what, at) ?? 0),
      ),
      ...perVerb.map((cap, i) =>
        cap.actions.some((pattern) => matchesVerb(pattern, verb))
          ? find({ ...countsOf(cap), ...amountsOf(cap) }, (what) => this.verbs[i]?.sums.get(what) ?? 0)
          : undefined,
      ),
    ].find((each) => each !== undefined);
    return found === undefined ? undefined : `more than ${askAt} of a cap of ${found} are used`;
  }

  private overWindow({ charge, at }: Entry, cap: BudgetLimit['windows'][number]): string | undefined {
    const window = this.windows.get(windowKey(cap));
    for (const counter of COUNTERS) {
      const used = (window?.used(counter, at) ?? 0) + charge[counter];
      const most = cap[counter];
      if (most !== undefined && charge[counter] > 0 && used > most)
        return `${used} of ${most} ${counter} per ${cap.per}`;
    }
    const caps = amountsOf(cap);
    for (const [currency, value] of Object.entries(amountsOf(charge))) {
      const used = (window?.used(currency, at) ?? 0) + value;
      const most = caps[currency];
      if (most !== undefined && used > most) return `${used} of ${most} ${currency} per ${cap.per}`;
    }
    return undefined;
  }

  /**
   * Settles a permit: releases the reserved amounts and adds those spent. Returns whether a cap is thereby reached, or
   * exceeded because the cost was higher than the reservation.
   */
  settle(
    entry: Entry,
    charge: Consumed,
    now: number,
    before: ReadonlyMap<string, number> = new Map(),
  ): 'reached' | 'exceeded' | undefined {
    const [reserved, cost, caps] = [amountsOf(entry.charge), amountsOf(charge), amountsOf(this.budget)];
    for (const [currency, value] of Object.entries(reserved)) add(this.held, currency, -value);
    let [reached, exceeded] = [false, false];
    for (const [currency, value] of Object.entries(cost)) {
      add(this.spent, currency, value);
      if (value <= 0) continue;
      const used = this.total(currency);
      const cap = caps[currency] ?? this.unnamed;
      exceeded ||= used > cap && value > (reserved[currency] ?? 0) && used > (before.get(currency) ?? 0);
      reached ||= used === cap && used === this.spent.get(currency);
    }
    for (const each of this.verbs) each.settle(entry, reserved, cost);
    const currencies = new Set([...Object.keys(reserved), ...Object.keys(cost)]);
    for (const window of this.windows.values())
      for (const currency of currencies) window.settle(entry, currency, cost[currency] ?? 0, now);
    return exceeded ? 'exceeded' : reached ? 'reached' : undefined;
  }
}

/** @param amounts names of currencies, in upper case, and of units */
function consumed(amounts: Iterable<string>, of: (what: string) => number): Consumed {
  const names = [...amounts].filter((what) => !isCount(what));
  const pick = (isMoney: boolean): Record<string, number> =>
    Object.fromEntries(
      names.filter((what) => (what === what.toUpperCase()) === isMoney).map((what) => [what, of(what)]),
    );
  const counts = Object.fromEntries(COUNTERS.map((each) => [each, of(each)])) as Record<Counter, number>;
  return { ...counts, cost: pick(true), units: pick(false) };
}

const isCount = (what: string): what is Counter => (COUNTERS as readonly string[]).includes(what);

const countsOf = (of: { readonly [C in Counter]?: number | undefined }): Amounts =>
  Object.fromEntries(COUNTERS.flatMap((each) => (of[each] === undefined ? [] : [[each, of[each]]])));

const windowOf = (cap: WindowCap): Window | Calendar =>
  cap.timezone === undefined ? new Window(windowMs(cap)) : new Calendar(cap);

function put(window: Window | Calendar, entry: Entry, at: number): void {
  for (const counter of COUNTERS) if (entry.charge[counter] > 0) window.put(entry, counter, entry.charge[counter], at);
  for (const [currency, value] of Object.entries(amountsOf(entry.charge))) window.put(entry, currency, value, at);
}

function add(to: Map<string, number>, what: string, value: number): void {
  to.set(what, (to.get(what) ?? 0) + value);
}
