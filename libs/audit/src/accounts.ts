import { windowMs } from '@bailiwick/authority/state/usage';
import { COUNTERS, type BudgetLimit, type Consumed } from '@bailiwick/contracts/grants/grant';

/** An amount that counts in a window until it leaves the window. */
interface Part {
  readonly at: number;
  readonly of: Entry;
  readonly what: string;
  value: number;
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
  private windows: Map<number, Window>;

  /** @param unnamed the cap of a currency that the budget does not name */
  constructor(
    private budget: BudgetLimit,
    private readonly unnamed = 0,
  ) {
    this.windows = new Map(budget.windows.map((each) => [windowMs(each), new Window(windowMs(each))]));
  }

  /** Applies a raised grant: the counts continue under the new budget, and a new window starts empty. */
  raise(budget: BudgetLimit): void {
    const old = this.windows;
    this.budget = budget;
    this.windows = new Map(
      budget.windows.map((each) => [windowMs(each), old.get(windowMs(each)) ?? new Window(windowMs(each))]),
    );
  }

  /** Charges a permit. Returns a description of an exceeded cap, and whether the permit used up a count. */
  charge(entry: Entry): { over: string | undefined; usedUp: boolean } {
    const { charge, at } = entry;
    let over: string | undefined;
    let usedUp = false;
    for (const counter of COUNTERS) {
      this.counts[counter] += charge[counter];
      if (charge[counter] === 0) continue;
      const [used, cap] = [this.counts[counter], this.budget[counter]];
      if (used > cap) over ??= `${used} of ${cap} ${counter} are used`;
      usedUp ||= used >= cap;
    }
    const caps = amountsOf(this.budget);
    for (const [currency, value] of Object.entries(amountsOf(charge))) {
      add(this.held, currency, value);
      const used = (this.spent.get(currency) ?? 0) + (this.held.get(currency) ?? 0);
      const cap = caps[currency] ?? this.unnamed;
      if (used > cap) over ??= `${used} of ${cap} ${currency} are spent or held`;
    }
    for (const window of this.budget.windows) over ??= this.overWindow(entry, window);
    for (const window of this.windows.values()) put(window, entry, at);
    return { over, usedUp };
  }

  private overWindow({ charge, at }: Entry, cap: BudgetLimit['windows'][number]): string | undefined {
    const window = this.windows.get(windowMs(cap));
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
  settle(entry: Entry, charge: Consumed, now: number): 'reached' | 'exceeded' | undefined {
    const [reserved, cost, caps] = [amountsOf(entry.charge), amountsOf(charge), amountsOf(this.budget)];
    for (const [currency, value] of Object.entries(reserved)) add(this.held, currency, -value);
    let [reached, exceeded] = [false, false];
    for (const [currency, value] of Object.entries(cost)) {
      add(this.spent, currency, value);
      if (value <= 0) continue;
      const held = this.held.get(currency) ?? 0;
      const used = (this.spent.get(currency) ?? 0) + held;
      const cap = caps[currency] ?? this.unnamed;
      exceeded ||= used > cap && value > (reserved[currency] ?? 0);
      reached ||= used === cap && held === 0;
    }
    const currencies = new Set([...Object.keys(reserved), ...Object.keys(cost)]);
    for (const window of this.windows.values())
      for (const currency of currencies) window.settle(entry, currency, cost[currency] ?? 0, now);
    return exceeded ? 'exceeded' : reached ? 'reached' : undefined;
  }
}

function put(window: Window, entry: Entry, at: number): void {
  for (const counter of COUNTERS) if (entry.charge[counter] > 0) window.put(entry, counter, entry.charge[counter], at);
  for (const [currency, value] of Object.entries(amountsOf(entry.charge))) window.put(entry, currency, value, at);
}

function add(to: Map<string, number>, what: string, value: number): void {
  to.set(what, (to.get(what) ?? 0) + value);
}
