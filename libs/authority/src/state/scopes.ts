import type { BudgetLimit, Consumed, Limits } from '@bailiwick/contracts/grants/grant';
import type { ReasonCode } from '@bailiwick/contracts/error-codes';
import { matchesVerb } from '../matching/verbs/verb';
import { listed } from '../presentation/text';
import { addCharge, carryUsage, emptyUsage, nothing, settleCharge, type Mutable, type MutableUsage } from './usage';

/*
 * Caps for a part of the actions of a lease. An action counts in every scope that covers it, in the lease that names the
 * scope, for every run below it (I3). A scope that is used up denies further such actions and ends nothing. Whether a
 * scope covers an action depends only on what the event of the permit records, so that every fold counts alike (I10).
 */

/** What is recorded of an action and may decide whether a scope covers it. */
export interface ScopeFacts {
  readonly verb: string;
  readonly resource: { readonly type: string; readonly id: string };
}

export interface Scope {
  /** identifies the scope when a lease is raised: its usage continues under the same key */
  readonly key: string;
  /** path in the limits, for reasons */
  readonly path: string;
  /** the covered actions, for people */
  readonly says: string;
  readonly code: ReasonCode;
  readonly caps: { readonly calls?: number | undefined } & Partial<Pick<Consumed, 'cost' | 'units'>>;
  covers(facts: ScopeFacts): boolean;
}

type Scoped = Pick<Limits, 'budget'>;
/** A lease, or something that keeps accounts like one. */
interface Account {
  readonly usage: MutableUsage;
  readonly limits: Scoped;
}
interface AccountInTree extends Account {
  readonly depth: number;
}

/** The scopes that a permit was charged to: the depth of the lease in its tree, and the key of the scope. */
export type Covered = readonly [depth: number, key: string];

const NONE: readonly Scope[] = [];

/** Returns all scopes of a lease. The order is that of `usage.scopes`. */
export const scopesOf = ({ budget }: Scoped): readonly Scope[] => verbScopes(budget);

const byBudget = new WeakMap<BudgetLimit, readonly Scope[]>();

/** Returns the scopes of `budget.perVerb`. A verb is matched as by `actions.deny`, so that no spelling evades a cap. */
export function verbScopes(budget: BudgetLimit): readonly Scope[] {
  if (budget.perVerb === undefined) return NONE;
  let scopes = byBudget.get(budget);
  if (!scopes) {
    scopes = budget.perVerb.map(({ actions, ...caps }): Scope => ({
      key: verbKey(actions),
      path: `budget.perVerb[${listed(actions)}]`,
      says: listed(actions),
      code: 'PER_VERB_EXHAUSTED',
      caps,
      covers: ({ verb }) => actions.some((pattern) => matchesVerb(pattern, verb)),
    }));
    byBudget.set(budget, scopes);
  }
  return scopes;
}

/** Returns the key of the scope of a list of normalized verb patterns. */
export const verbKey = (actions: readonly string[]): string => `verbs ${[...new Set(actions)].sort().join(' ')}`;

/** Returns the usage with which a lease starts: that of the lease it supersedes, or none. */
export function usageFor(limits: Scoped, old?: Account): MutableUsage {
  const usage = old ? carryUsage(old.usage, old.limits.budget, limits.budget) : emptyUsage(limits.budget);
  const scopes = scopesOf(limits);
  if (scopes.length === 0) return usage;
  const before = old ? scopesOf(old.limits) : NONE;
  return {
    ...usage,
    scopes: scopes.map(({ key }): Mutable => {
      const used = old?.usage.scopes?.[before.findIndex((each) => each.key === key)];
      return used ? structuredClone(used) : nothing();
    }),
  };
}

/** Charges a permit to the scopes that cover it, at every level of the chain. Returns them; undefined if there are none. */
export function reserveInScopes(
  chain: readonly AccountInTree[],
  facts: ScopeFacts,
  charge: Consumed,
): readonly Covered[] | undefined {
  let covered: Covered[] | undefined;
  for (const { usage, limits, depth } of chain) {
    if (usage.scopes === undefined) continue;
    for (const [i, scope] of scopesOf(limits).entries()) {
      if (!scope.covers(facts)) continue;
      addCharge(usage.scopes[i] as Mutable, charge);
      (covered ??= []).push([depth, scope.key]);
    }
  }
  return covered;
}

/** Replaces what a permit reserved in its scopes by what was spent. */
export function commitInScopes(
  chain: readonly AccountInTree[],
  covered: readonly Covered[] | undefined,
  reserved: Consumed,
  spent: Consumed,
): void {
  if (covered === undefined) return;
  for (const account of chain)
    for (const [i, scope] of scopesOf(account.limits).entries())
      if (isCharged(covered, account, scope)) settleCharge(account.usage.scopes?.[i] ?? nothing(), reserved, spent);
}

/** Returns the most of a currency or unit that one action could still spend in the scopes it is charged to. */
export function leftInScopes(
  account: AccountInTree,
  covered: readonly Covered[] | undefined,
  kind: 'cost' | 'units',
  name: string,
): number {
  if (covered === undefined) return Infinity;
  let left = Infinity;
  for (const [i, scope] of scopesOf(account.limits).entries()) {
    const cap = scope.caps[kind]?.[name];
    if (cap !== undefined && isCharged(covered, account, scope))
      left = Math.min(left, Math.max(0, cap - (account.usage.scopes?.[i]?.[kind]?.[name] ?? 0)));
  }
  return left;
}

const isCharged = (covered: readonly Covered[], { depth }: AccountInTree, { key }: Scope): boolean =>
  covered.some(([at, of]) => at === depth && of === key);
