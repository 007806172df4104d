import { budgetOf, type Root } from '@bailiwick/authority/state/purses';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { looksLike } from '@bailiwick/core/look-alike';
import { Account, type Entry } from './accounts';

interface Purse {
  readonly account: Account;
  selector: EventOf<'TenantBudgetSet'>['data']['selector'];
}

/** The auditor's records of the tenant budgets, independent of the fold. */
export class Purses {
  private readonly byName = new Map<string, Purse>();
  /** permit without an outcome → the accounts that it drew from: a budget that was removed since keeps its account */
  private readonly open = new Map<string, readonly Account[]>();

  /** A changed budget keeps its usage. */
  set({ name, selector, budget }: EventOf<'TenantBudgetSet'>['data']): void {
    const known = this.byName.get(name);
    const caps = budgetOf(budget);
    if (!known) return void this.byName.set(name, { account: new Account(caps, undefined, Infinity), selector });
    known.account.raise(caps);
    known.selector = selector;
  }

  remove({ name }: EventOf<'TenantBudgetRemoved'>['data']): boolean {
    return this.byName.delete(name);
  }

  /** I3: charges a permit to the budgets that match it, and reports those that it exceeds, omits or names wrongly. */
  charge(
    id: string,
    entry: Entry,
    root: Root,
    { data }: EventOf<'ActionPermitted'>,
    report: (detail: string) => void,
  ): void {
    const named = new Set(data.tenantBudgets);
    const accounts: Account[] = [];
    for (const [name, { account, selector }] of this.byName) {
      if (!matches(selector, root, data.labels)) continue;
      if (!named.delete(name)) report(`the permit does not draw from the tenant budget ${name}, which matches it`);
      const { over } = account.charge(entry);
      if (over !== undefined) report(`permitted although ${over} of the tenant budget ${name}`);
      accounts.push(account);
    }
    for (const name of named) report(`the permit draws from the tenant budget ${name}, which does not match it`);
    if (accounts.length > 0) this.open.set(id, accounts);
  }

  settle(id: string, entry: Entry, charge: Consumed, now: number): void {
    for (const account of this.open.get(id) ?? []) account.settle(entry, charge, now);
    this.open.delete(id);
  }
}

const matches = (
  { principalRef, agentClass, label }: Purse['selector'],
  root: Root,
  labels: readonly string[],
): boolean =>
  (principalRef === undefined || principalRef === root.principalRef) &&
  (agentClass === undefined || looksLike(agentClass, root.agent.class)) &&
  (label === undefined || labels.includes(label));
