import type { StoredBudgetSelector, TenantCaps } from '@bailiwick/contracts/budgets/tenant-budget';
import type { Usage } from '../dimensions/dimension';
import { COUNTERS, type BudgetLimit, type Consumed } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { looksLike } from '@bailiwick/core/look-alike';
import { carryUsage, emptyUsage, SETTLED, windowUsed, type Amounts, type MutableUsage, type Settled } from './usage';

/*
 * A purse is the account of a tenant budget: a virtual ancestor of every root lease that it matches (I3). An action
 * draws from it as from the grants of its chain. Reaching one of its caps denies further actions and ends no grant.
 */

/** What a selector tests of the run at the root of a tree. */
export interface Root {
  readonly principalRef: string;
  readonly agent: { readonly class: string };
}
/** The parts of a log's state that lead from a tree to its budgets. */
interface Known {
  readonly purses: Purses;
  readonly runs: ReadonlyMap<string, Root>;
  readonly trees: ReadonlyMap<string, { readonly rootRunId: string }>;
}

export interface PurseNode {
  readonly name: string;
  readonly selector: StoredBudgetSelector;
  readonly caps: TenantCaps;
  /** derived: the caps in the form of a lease's; what they leave out has the largest value */
  readonly budget: BudgetLimit;
  readonly usage: MutableUsage;
  /** position of the event that created it: earlier permits of the same name drew from an earlier purse */
  readonly since: number;
  /** position and time, in ms, of the event that set it last */
  readonly position: number;
  readonly setAt: number;
}

/** The purses of a log by name, in the order in which they were created. */
export class Purses {
  private readonly byName = new Map<string, PurseNode>();
  /** principal → positions of all events that named them, whose payloads an erasure finds by it */
  readonly naming = new Map<string, number[]>();
  /** cache: root run → the purses that match it, apart from their labels */
  private matched = new WeakMap<Root, readonly PurseNode[]>();

  get size(): number {
    return this.byName.size;
  }

  get(name: string): PurseNode | undefined {
    return this.byName.get(name);
  }

  values(): Iterable<PurseNode> {
    return this.byName.values();
  }

  put(purse: PurseNode): void {
    this.byName.set(purse.name, purse);
    this.matched = new WeakMap();
  }

  remove(name: string): void {
    this.byName.delete(name);
    this.matched = new WeakMap();
  }

  /** Records that the payload of an event names a principal. */
  name(principalRef: string, position: number): void {
    const positions = this.naming.get(principalRef);
    if (positions) positions.push(position);
    else this.naming.set(principalRef, [position]);
  }

  /** Returns the purses that an action with these labels draws from, in a tree with this root. */
  matching(root: Root, labels: readonly string[]): readonly PurseNode[] {
    let of = this.matched.get(root);
    if (!of) {
      of = [...this.byName.values()].filter(({ selector }) => selectsRoot(selector, root));
      this.matched.set(root, of);
    }
    return of.some(({ selector }) => selector.label !== undefined)
      ? of.filter(({ selector: { label } }) => label === undefined || labels.includes(label))
      : of;
  }
}

/**
 * Reports whether a tree with this root draws from a budget. Person and class are those that the root was opened with,
 * so that no run can leave a budget by delegating. `Scraper` matches `scraper`, and every name that looks like it.
 */
export const selectsRoot = ({ principalRef, agentClass }: StoredBudgetSelector, root: Root): boolean =>
  (principalRef === undefined || principalRef === root.principalRef) &&
  (agentClass === undefined || looksLike(agentClass, root.agent.class));

const NONE: readonly never[] = [];

/** Returns the accounts of an action: of the leases of its chain, and of the purses that it draws from. */
export const accountsOf = (
  chain: readonly Account[],
  purses: readonly Pick<PurseNode, 'usage' | 'budget'>[],
): readonly Account[] =>
  purses.length === 0 ? chain : [...chain, ...purses.map(({ usage, budget }) => ({ usage, limits: { budget } }))];
interface Account {
  readonly usage: MutableUsage;
  readonly limits: { readonly budget: BudgetLimit };
}

/** Returns the purses that an action of a tree draws from. */
export function pursesFor(state: Known, treeId: string, labels: readonly string[]): readonly PurseNode[] {
  if (state.purses.size === 0) return NONE;
  const root = state.runs.get(state.trees.get(treeId)?.rootRunId ?? '');
  return root ? state.purses.matching(root, labels) : NONE;
}

/** Returns the purses of these names from which an action that was permitted at a position drew. */
export function drawnFrom(
  state: Pick<Known, 'purses'>,
  names: readonly string[] | undefined,
  position: number,
): PurseNode[] {
  const drawn: PurseNode[] = [];
  for (const name of names ?? NONE) {
    const purse = state.purses.get(name);
    if (purse && purse.since < position) drawn.push(purse);
  }
  return drawn;
}

/** Returns the caps as a lease states them. A currency or unit that only a window names has no lifetime cap. */
export function budgetOf(caps: TenantCaps): BudgetLimit {
  const windows = caps.windows ?? [];
  const uncapped = (kind: Settled): Amounts =>
    Object.fromEntries(windows.flatMap((window) => Object.keys(window[kind] ?? {}).map((name) => [name, NO_CAP])));
  const units = { ...uncapped('units'), ...caps.units };
  return {
    ...UNCAPPED,
    ...caps,
    windows,
    cost: { ...uncapped('cost'), ...caps.cost },
    ...(Object.keys(units).length > 0 ? { units } : {}),
  };
}
const NO_CAP = LIMITS.amountMax;
const UNCAPPED = { calls: NO_CAP, reads: NO_CAP, writes: NO_CAP, external: NO_CAP };

/** Makes the purse of a new budget, or changes an existing one, which keeps its usage. */
export function purseOf(
  old: PurseNode | undefined,
  { name, selector, caps, position, setAt }: Pick<PurseNode, 'name' | 'selector' | 'caps' | 'position' | 'setAt'>,
): PurseNode {
  const budget = budgetOf(caps);
  const usage = old ? carryUsage(old.usage, old.budget, budget, position) : emptyUsage(budget);
  return { name, selector, caps, budget, usage, since: old?.since ?? position, position, setAt };
}

/** Caps with what was used of them. */
export interface Purse {
  readonly usage: Usage;
  readonly budget: BudgetLimit;
}

/**
 * Returns the smaller of what is left to a chain and to purses, of the tenant or of manifests, now: of lifetime caps and
 * of windows.
 */
export function leastLeft(
  left: Consumed,
  purses: readonly Purse[],
  now: number,
  charge: Consumed | undefined,
): Consumed {
  const least = { ...left, cost: { ...left.cost }, ...(left.units ? { units: { ...left.units } } : {}) };
  for (const { usage, budget } of purses) {
    const { committed, reserved } = usage;
    const accounts: { caps: Partial<Consumed>; used: Consumed; more?: Consumed }[] = [
      { caps: budget, used: committed, more: reserved },
      ...budget.windows.map((window, i) => ({
        caps: window,
        used: windowUsed(usage.windows[i]?.buckets ?? [], window, now),
      })),
    ];
    for (const { caps, used, more } of accounts) {
      for (const counter of COUNTERS) {
        const cap = caps[counter];
        if (cap === undefined) continue;
        const value = cap - used[counter] - (more?.[counter] ?? 0) - (charge?.[counter] ?? 0);
        least[counter] = Math.max(0, Math.min(least[counter], value));
      }
      for (const kind of SETTLED) {
        const amounts: Record<string, number> = least[kind] ?? {};
        for (const [name, has] of Object.entries(amounts)) {
          const cap = caps[kind]?.[name];
          if (cap === undefined) continue;
          const taken = [used, more, charge].reduce((sum, each) => sum + (each?.[kind]?.[name] ?? 0), 0);
          amounts[name] = Math.max(0, Math.min(has, cap - taken));
        }
      }
    }
  }
  return least;
}
