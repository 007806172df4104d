import type { BudgetLimit, Consumed, Limits, Permission, PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import type { ReasonCode } from '@bailiwick/contracts/error-codes';
import { coversAction, describeCovered, isOver, keyWithoutCaps, type EntryFacts } from '../dimensions/entry';
import { isCapped, type PartCaps } from '../dimensions/part-caps';
import { matchesVerb } from '../matching/verbs/verb';
import { clip, listed } from '../presentation/text';
import {
  addCharge,
  carryUsage,
  emptyUsage,
  nothing,
  settleCharge,
  windowKey,
  type Mutable,
  type MutableUsage,
} from './usage';

/*
 * Caps for a part of the actions of a lease. An action counts in every scope that covers it, in the lease that names the
 * scope, for every run below it (I3). A scope that is used up denies further such actions and ends nothing. Whether a
 * scope covers an action depends only on what the event of the permit records, so that every fold counts alike (I10).
 */

/** What is recorded of an action and may decide whether a scope covers it. */
export type ScopeFacts = EntryFacts;

export interface Scope {
  /** identifies the scope when a lease is raised: its usage continues under the same key */
  readonly key: string;
  /** path in the limits, for reasons */
  readonly path: string;
  /** the covered actions, for people */
  readonly says: string;
  readonly code: ReasonCode;
  readonly caps: PartCaps;
  covers(facts: ScopeFacts): boolean;
  /** of a capped permission: its index, and its end */
  readonly entry?: number;
  readonly until?: string | undefined;
}

type Scoped = Pick<Limits, 'budget' | 'permissions'> & Partial<Pick<Limits, 'actions'>>;
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

const NONE: readonly never[] = [];
/** Stands for the entries without caps of a lease that cover an action, next to those with caps. */
const UNCAPPED = 'uncapped';

/** Returns all scopes of a lease: of its verbs, then of its permissions. The order is that of `usage.scopes`. */
export function scopesOf({ budget, permissions }: Scoped): readonly Scope[] {
  const verbs = verbScopes(budget);
  const entries = entryScopes(permissions);
  return entries.length === 0 ? verbs : verbs.length === 0 ? entries : [...verbs, ...entries];
}

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

const byPermissions = new WeakMap<PermissionsLimit, readonly EntryScope[]>();
export type EntryScope = Scope & { readonly entry: number };

/**
 * Returns the scopes of the capped entries of `permissions`. Each counts every action that its entry covers, also one that
 * another entry admitted, so that no choice between entries needs recording. A lease whose modes do not read stages counts
 * drafts too: no more than it must.
 */
export function entryScopes(permissions: PermissionsLimit | undefined): readonly EntryScope[] {
  // I11: the dimension answers for a list that is none
  if (!Array.isArray(permissions)) return NONE;
  let scopes = byPermissions.get(permissions);
  if (!scopes) {
    scopes = permissions.flatMap((entry: Permission, i): EntryScope[] => (isCapped(entry) ? [scopeOf(entry, i)] : []));
    byPermissions.set(permissions, scopes);
  }
  return scopes;
}

function scopeOf(entry: Permission, i: number): EntryScope {
  const { calls, cost, units } = entry;
  return {
    entry: i,
    until: entry.until,
    key: `entry ${keyWithoutCaps(entry)}`,
    path: `permissions[${i}]`,
    says: clip(describeCovered(entry)),
    code: 'PERMISSION_EXHAUSTED',
    caps: { calls, cost, units },
    covers: (facts) => coversAction(entry, facts, true),
  };
}

/** Returns the key of the scope of a list of normalized verb patterns. */
export const verbKey = (actions: readonly string[]): string => `verbs ${[...new Set(actions)].sort().join(' ')}`;

/**
 * Returns the usage with which a lease starts: that of the lease it supersedes, or none.
 * @param position of the event that issues or changes the lease
 */
export function usageFor(limits: Scoped, position: number, old?: Account): MutableUsage {
  const usage = old ? carryUsage(old.usage, old.limits.budget, limits.budget, position) : emptyUsage(limits.budget);
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

/** Returns the keys of all that a lease counts separately: its windows and its scopes. */
export const countKeys = (limits: Scoped): string[] => [
  ...limits.budget.windows.map(windowKey),
  ...scopesOf(limits).map(({ key }) => key),
];

/**
 * Charges a permit to the scopes that cover it, at every level of the chain. Returns them; undefined if there are none.
 * @param at the time of the permit, ms: an entry that has ended covers nothing
 */
export function reserveInScopes(
  chain: readonly AccountInTree[],
  facts: ScopeFacts,
  charge: Consumed,
  at: number,
): readonly Covered[] | undefined {
  let covered: Covered[] | undefined;
  for (const { usage, limits, depth } of chain) {
    if (usage.scopes === undefined) continue;
    let isEntry = false;
    for (const [i, scope] of scopesOf(limits).entries()) {
      if (isOver(scope, at) || !scope.covers(facts)) continue;
      addCharge(usage.scopes[i] as Mutable, charge);
      (covered ??= []).push([depth, scope.key]);
      isEntry ||= scope.entry !== undefined;
    }
    if (
      isEntry &&
      limits.permissions?.some(
        (each) => !isCapped(each) && !isOver(each, at) && coversAction(each, facts, limits.actions?.stages === true),
      )
    )
      covered?.push([depth, UNCAPPED]);
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

/**
 * Returns the most of a currency or unit that one action could still spend in the scopes it is charged to: in each of its
 * verbs, and in one of its permissions.
 */
export function leftInScopes(
  account: AccountInTree,
  covered: readonly Covered[] | undefined,
  kind: 'cost' | 'units',
  name: string,
): number {
  if (covered === undefined) return Infinity;
  let left = Infinity;
  let inEntry: number | undefined;
  for (const [i, scope] of scopesOf(account.limits).entries()) {
    if (!isCharged(covered, account, scope)) continue;
    const used = account.usage.scopes?.[i];
    const cap = scope.caps[kind]?.[name];
    const room = cap === undefined ? Infinity : Math.max(0, cap - (used?.[kind]?.[name] ?? 0));
    if (scope.entry === undefined) left = Math.min(left, room);
    else inEntry = Math.max(inEntry ?? 0, isBeyond(scope, used) ? 0 : room);
  }
  return inEntry === undefined || isCharged(covered, account, { key: UNCAPPED }) ? left : Math.min(left, inEntry);
}

/** Reports whether more calls were made than an entry admits: by others that cover them, too. */
const isBeyond = ({ caps: { calls } }: Scope, used: Consumed | undefined): boolean =>
  calls !== undefined && (used?.calls ?? 0) > calls;

const isCharged = (covered: readonly Covered[], { depth }: AccountInTree, { key }: Pick<Scope, 'key'>): boolean =>
  covered.some(([at, of]) => at === depth && of === key);
