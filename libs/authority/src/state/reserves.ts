import { COUNTERS, type BudgetLimit, type Consumed } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { amountText } from '../presentation/amounts';
import { nothing, SETTLED, type Amounts, type Mutable, type MutableUsage } from './usage';

/*
 * A lease with `budget.reserve` has its caps of the lifetime set aside from its parent's (I3). What of it is not used yet,
 * its slack, counts as reserved in every lease above; what the lease and those below it use is taken from the slack first,
 * so that nothing counts twice. The slack returns in the event that records the end of the lease. A lease that a rule has
 * struck keeps it until its end is recorded, at the latest when it expires: a rule is never enumerated, and until then too
 * much counts, never too little.
 *
 * Windows and caps per verb are not set aside: they count what is done, when it is done.
 */

/** A lease, or something that keeps accounts like one. */
export interface Account {
  readonly usage: MutableUsage;
  readonly limits: { readonly budget: BudgetLimit };
}

const NO_AMOUNTS: Amounts = {};

/** Returns the caps of the lifetime of a budget, as amounts. */
export const capsOf = ({ calls, reads, writes, external, cost, units }: BudgetLimit): Consumed => ({
  ...{ calls, reads, writes, external, cost },
  ...(units === undefined ? {} : { units }),
});

/** Combines two sums name by name; names with zero are left out, as in any usage. */
function combined(a: Consumed, b: Consumed, combine: (x: number, y: number) => number): Mutable {
  const result = nothing();
  for (const counter of COUNTERS) result[counter] = combine(a[counter], b[counter]);
  for (const kind of SETTLED) {
    const [x, y] = [a[kind] ?? NO_AMOUNTS, b[kind] ?? NO_AMOUNTS];
    const names = [...new Set([...Object.keys(x), ...Object.keys(y)])];
    const amounts = names.map((name): [string, number] => [name, combine(x[name] ?? 0, y[name] ?? 0)]);
    const some = Object.fromEntries(amounts.filter(([, value]) => value !== 0));
    if (kind === 'cost' || Object.keys(some).length > 0) result[kind] = some;
  }
  return result;
}
const plus = (a: Consumed, b: Consumed): Mutable => combined(a, b, (x, y) => x + y);
const minus = (a: Consumed, b: Consumed): Mutable => combined(a, b, (x, y) => x - y);
const atLeastZero = (a: Consumed): Mutable => combined(a, nothing(), (x) => Math.max(0, x));

const usedOf = ({ committed, reserved }: MutableUsage): Mutable => plus(committed, reserved);

/** Returns what is set aside for a lease and not used yet; undefined if nothing is set aside for it. */
const slackOf = (usage: MutableUsage): Mutable | undefined =>
  usage.aside === undefined ? undefined : atLeastZero(minus(usage.aside, usedOf(usage)));

/** The slack of each lease of a chain, leaf first. */
export type Slacks = readonly (Mutable | undefined)[];

/** Returns the slack of each lease of a chain; undefined if nothing is set aside for any of them. */
export function slacksOf(chain: readonly Account[]): Slacks | undefined {
  for (const { usage } of chain) if (usage.aside !== undefined) return chain.map((each) => slackOf(each.usage));
  return undefined;
}

/**
 * Adds the change of each slack to what the leases above reserve. Call it after a change of usage.
 * @param before the slacks before the change; absent for a lease for which nothing was set aside
 */
export function applySlacks(chain: readonly Account[], before: Slacks): void {
  chain.forEach(({ usage }, i) => {
    const [was, is] = [before[i], slackOf(usage)];
    if (!was && !is) return;
    const change = minus(is ?? nothing(), was ?? nothing());
    for (const above of chain.slice(i + 1))
      Object.assign(above.usage, { reserved: plus(above.usage.reserved, change) });
  });
}

/**
 * Sets the caps of a new lease aside from its ancestors'. A lease that supersedes another takes over what was set aside
 * for that one, so that only the difference changes.
 * @param above the parent and its ancestors
 */
export function setAside(lease: Account, above: readonly Account[], old?: Account): void {
  const before = [old && slackOf(old.usage), ...above.map((each) => slackOf(each.usage))];
  if (old) delete old.usage.aside;
  if (lease.limits.budget.reserve && above.length > 0) lease.usage.aside = capsOf(lease.limits.budget);
  applySlacks([lease, ...above], before);
}

/** Returns the slack of a lease to its ancestors, because it has ended. @param chain the lease and its ancestors */
export function giveBack(chain: readonly Account[]): void {
  const usage = chain[0]?.usage;
  if (usage?.aside === undefined) return;
  const before = slacksOf(chain) ?? [];
  delete usage.aside;
  applySlacks(chain, before);
}

/**
 * Returns the chain as its leaf may use it: the slack of a lease is open to those in and below it, so it does not count
 * as reserved above. Returns the same chain if nothing is set aside.
 */
export function asSeenBelow<A extends Account>(chain: readonly A[]): readonly (A | Account)[] {
  const slacks = slacksOf(chain);
  if (!slacks) return chain;
  let below = nothing();
  return chain.map((each, i) => {
    const seen = { limits: each.limits, usage: { ...each.usage, reserved: minus(each.usage.reserved, below) } };
    below = plus(below, slacks[i] ?? nothing());
    return seen;
  });
}

/**
 * Returns the reservation that an outcome releases in each lease of the chain, leaf first, if a part of it is taken from
 * slack or returns to it. It may be negative. Undefined if nothing is set aside.
 */
export function releasedIn(chain: readonly Account[], reserved: Consumed, spent: Consumed): Consumed[] | undefined {
  const slacks = slacksOf(chain);
  if (!slacks) return undefined;
  const { calls, reads, writes, external } = reserved;
  const counts = { calls, reads, writes, external };
  const amounts = (of: Consumed): Consumed => ({ ...nothing(), cost: of.cost, units: of.units });
  let released = plus(amounts(reserved), nothing());
  return chain.map(({ usage }, i) => {
    const here = { ...released, ...counts };
    const was = slacks[i];
    if (was) {
      const after = plus(usedOf(usage), minus(amounts(spent), released));
      const is = atLeastZero(minus(usage.aside ?? nothing(), after));
      released = minus(released, amounts(minus(is, was)));
    }
    return here;
  });
}

/**
 * Checks whether the ancestors of a lease have its caps left to set them aside. Returns a reason for each cap that has
 * not.
 * @param above the parent and its ancestors, leaf first, each with its id
 * @param old the lease that it supersedes
 */
export function cannotSetAside(
  above: readonly (Account & { readonly id: string })[],
  budget: BudgetLimit,
  old?: Account,
): Reason[] {
  if (!budget.reserve) return [];
  const used = old ? usedOf(old.usage) : nothing();
  const held = old ? plus(used, slackOf(old.usage) ?? nothing()) : nothing();
  const larger = (a: Consumed, b: Consumed): Mutable => combined(a, b, Math.max);
  let wanted: Consumed = atLeastZero(minus(larger(capsOf(budget), used), held));
  return above.flatMap(({ id, usage, limits }) => {
    const left = atLeastZero(minus(capsOf(limits.budget), usedOf(usage)));
    const reasons = shortOf(wanted, left, id);
    wanted = atLeastZero(minus(wanted, slackOf(usage) ?? nothing()));
    return reasons;
  });
}

function shortOf(wanted: Consumed, left: Consumed, grantId: string): Reason[] {
  const reason = (path: string, limit: number, actual: number, message: string): Reason => ({
    ...{ rule: 'budget', grantId, outcome: 'deny', code: 'BUDGET_EXHAUSTED', path: `budget.${path}`, limit, actual },
    message: `cannot be set aside: ${message}`,
  });
  return [
    ...COUNTERS.filter((counter) => wanted[counter] > left[counter]).map((counter) =>
      reason(counter, left[counter], wanted[counter], `${left[counter]} ${counter} are left, not ${wanted[counter]}`),
    ),
    ...SETTLED.flatMap((kind) =>
      Object.entries(wanted[kind] ?? NO_AMOUNTS).flatMap(([name, value]) => {
        const rest = left[kind]?.[name] ?? 0;
        const [has, asks] = [amountText[kind](rest, name), amountText[kind](value, name)];
        return value > rest ? [reason(`${kind}.${name}`, rest, value, `${has} are left, not ${asks}`)] : [];
      }),
    ),
  ];
}
