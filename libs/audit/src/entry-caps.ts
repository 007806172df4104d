import { keyWithoutCaps } from '@bailiwick/authority/dimensions/entry';
import { permissions as dimension } from '@bailiwick/authority/dimensions/permissions';
import type { ActionFacts, Situation } from '@bailiwick/authority/dimensions/dimension';
import type { Consumed, Limits, Permission, PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import { amountsOf, type Amounts, type Entry } from './accounts';

type Outcome = 'permit' | 'step-up' | 'deny';
const MILDEST: readonly Outcome[] = ['permit', 'step-up', 'deny'];

/** An entry of `permissions`, and what was charged to it. */
class EntrySums {
  readonly sums = new Map<string, number>();
  readonly open = new Set<Entry>();
  readonly caps: Amounts;
  private readonly uncapped: PermissionsLimit;

  constructor(entry: Permission) {
    const { calls, cost, units, ...uncapped } = entry;
    this.caps = { ...(calls === undefined ? {} : { calls }), ...amountsOf({ cost, units }) };
    this.uncapped = [uncapped];
  }

  get isCapped(): boolean {
    return Object.keys(this.caps).length > 0;
  }

  get key(): string {
    return this.uncapped.map(keyWithoutCaps).join();
  }

  /** Decides by the entry alone, without its caps. */
  outcome(facts: ActionFacts, situation: Situation, now: number): Outcome {
    return dimension.admits(this.uncapped, facts, situation, now).outcome;
  }

  /** Returns a cap of which a charge takes more than a share. */
  beyond(share: number, charged: Amounts): string | undefined {
    const what = Object.keys(charged).find((each) => {
      const [cap, value] = [this.caps[each], charged[each] ?? 0];
      return cap !== undefined && value > 0 && (this.sums.get(each) ?? 0) + value > share * cap;
    });
    return what === undefined
      ? undefined
      : `${(this.sums.get(what) ?? 0) + (charged[what] ?? 0)} of ${this.caps[what] ?? 0} ${what}`;
  }

  add(amounts: Amounts, sign: 1 | -1): void {
    for (const [what, value] of Object.entries(amounts)) this.sums.set(what, (this.sums.get(what) ?? 0) + sign * value);
  }
}

/**
 * Sums the use of the entries of `permissions` of one grant and its successors, including all grants below (I3). Uses the
 * events alone: an entry counts every permit that it covers, and one entry with room suffices for a permit.
 */
export class EntryBook {
  private entries: EntrySums[] = [];
  private askAt = 1;

  constructor(limits: Limits) {
    this.raise(limits);
  }

  /** Applies a raised or narrowed grant. The use of an entry counts on under other caps. */
  raise({ permissions = [], budget }: Limits): void {
    const before = new Map(this.entries.map((each) => [each.key, each]));
    this.askAt = budget.askAt ?? 1;
    this.entries = permissions.map((entry) => {
      const raised = new EntrySums(entry);
      const old = before.get(raised.key);
      // an entry that had no caps has counted nothing
      if (!old?.isCapped || !raised.isCapped) return raised;
      raised.add(Object.fromEntries(old.sums), 1);
      for (const permit of old.open) raised.open.add(permit);
      return raised;
    });
  }

  /**
   * Charges a permit. Returns why no entry that covers it admits it; and why a person must be asked, which only the caps
   * require.
   */
  charge(
    permit: Entry,
    facts: ActionFacts,
    situation: Situation,
  ): { readonly over: string | undefined; readonly asks: string | undefined } {
    if (!this.entries.some((each) => each.isCapped)) return NOTHING;
    const charged: Amounts = { calls: permit.charge.calls, ...amountsOf(permit.charge) };
    const found: { readonly outcome: Outcome; readonly over?: string; readonly asks?: string }[] = [];
    for (const each of this.entries) {
      const outcome = each.outcome(facts, situation, permit.at);
      if (outcome === 'deny') continue;
      const [over, asks] = [each.beyond(1, charged), each.beyond(this.askAt, charged)];
      if (over !== undefined) found.push({ outcome: 'deny', over });
      else if (asks !== undefined) found.push({ outcome: 'step-up', asks });
      else found.push({ outcome });
      if (!each.isCapped) continue;
      each.add(charged, 1);
      each.open.add(permit);
    }
    const mildest = MILDEST.find((outcome) => found.some((each) => each.outcome === outcome));
    const [first] = found.filter(({ outcome }) => outcome === mildest);
    if (mildest === 'deny') return { over: first?.over && `${first.over} of a permission are used`, asks: undefined };
    // without caps, another entry would have admitted it
    const asks =
      mildest === 'step-up' && found.length > 0 ? (first?.asks ?? 'only an entry that asks one has room') : undefined;
    return { over: undefined, asks };
  }

  settle(permit: Entry, spent: Consumed): void {
    for (const each of this.entries) {
      if (!each.open.delete(permit)) continue;
      each.add(amountsOf(permit.charge), -1);
      each.add(amountsOf(spent), 1);
    }
  }
}

const NOTHING = { over: undefined, asks: undefined };

const uncappedLists = new WeakMap<PermissionsLimit, PermissionsLimit>();
/** Returns limits for a check that knows no usage: their permissions without caps, which `EntryBook` checks. */
export function withoutEntryCaps(limits: Limits): Limits {
  const { permissions } = limits;
  if (!permissions?.some(({ calls, cost, units }) => calls !== undefined || cost || units)) return limits;
  let uncapped = uncappedLists.get(permissions);
  if (!uncapped) {
    uncapped = permissions.map(({ calls: _, cost: _cost, units: _units, ...entry }) => entry);
    uncappedLists.set(permissions, uncapped);
  }
  return { ...limits, permissions: uncapped };
}
