import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS, type BudgetLimit } from '@bailiwick/contracts/grants/grant';
import {
  amounts,
  count,
  currencies,
  held,
  inWindow,
  isOutcome,
  ofVerbs,
  over,
  spent,
  type Entry,
} from '../../properties/ledger';
import { drawn, matching, overdrawn } from '../../properties/purses';
import { Violation, type World } from '../world';

type Posted = { -readonly [K in keyof Entry]: Entry[K] };
/** The current budget of a grant, including raises, and every permit under it or a descendant. */
interface Account {
  readonly above: Account | undefined;
  budget: BudgetLimit;
  readonly entries: Posted[];
  /** the commands that reached one of its caps, and those that exhausted it */
  readonly reached: Set<string>;
  readonly exhausted: Set<string>;
}

/**
 * Checks I3 for a whole log: posts every permit to the account of its grant and all ancestors. No account may be
 * overdrawn, and a grant whose count is used up must end.
 */
export function checkBudgets(events: readonly Event[], world: World): void {
  const accounts = new Map<string, Account>();
  const posted = new Map<string, Posted>();
  checkTenantBudgets(events, world);
  for (const event of events) {
    if (event.type === 'GrantIssued') open(accounts, event);
    else if (event.type === 'GrantNarrowed') narrow(accounts, event);
    else if (event.type === 'ActionPermitted') post(accounts, posted, event, world);
    else if (event.type === 'GrantExhausted') accounts.get(event.grantId as string)?.exhausted.add(event.commandId);
    else if (isOutcome(event)) {
      const entry = posted.get(event.actionId as string);
      if (entry) Object.assign(entry, { spent: amounts(event.data.charge), settledAt: Date.parse(event.time) });
    }
  }
  for (const [grantId, { reached, exhausted }] of accounts)
    for (const by of reached)
      if (!exhausted.has(by)) throw new Violation(`I3: ${by} used up a count of ${grantId}, but the grant did not end`);
}

/** Checks I3 for the tenant budgets: every permit names those that match it, and exceeds none of them. */
function checkTenantBudgets(events: readonly Event[], world: World): void {
  const entries: Posted[] = [];
  const posted = new Map<string, Posted>();
  const context = events.filter(({ type }) => type === 'RunOpened' || type.startsWith('TenantBudget'));
  for (const event of events) {
    if (isOutcome(event)) {
      const entry = posted.get(event.actionId as string);
      if (entry) Object.assign(entry, { spent: event.data.charge.cost, settledAt: Date.parse(event.time) });
    }
    if (event.type !== 'ActionPermitted') continue;
    const entry = { accounts: [], permit: event, at: Date.parse(event.time), reserved: event.data.charge.cost };
    posted.set(event.actionId as string, entry);
    entries.push(entry);
    const purses = matching(
      context.filter(({ position }) => position < event.position),
      event,
    );
    const named = [...(event.data.tenantBudgets ?? [])].sort().join();
    if (
      named !==
      purses
        .map(({ name }) => name)
        .sort()
        .join()
    )
      throw new Violation(`I3: ${event.log}@${event.position} draws from the tenant budgets ${named || '(none)'}`);
    if (purses.length > 0) world.count('permit from a tenant budget');
    for (const purse of purses) {
      const broken = overdrawn(drawn(entries, purse), purse, event);
      if (broken !== undefined)
        throw new Violation(`I3: ${event.log}@${event.position} exceeds ${broken} of the tenant budget ${purse.name}`);
    }
  }
}

function open(accounts: Map<string, Account>, { grantId, data }: EventOf<'GrantIssued'>): void {
  const raised = data.supersedes === undefined ? undefined : accounts.get(data.supersedes);
  if (raised) raised.budget = data.limits.budget;
  const above = data.parentId === undefined ? undefined : accounts.get(data.parentId);
  accounts.set(
    grantId as string,
    raised ?? { above, budget: data.limits.budget, entries: [], reached: new Set(), exhausted: new Set() },
  );
}

function narrow(accounts: Map<string, Account>, { grantId, data }: EventOf<'GrantNarrowed'>): void {
  const account = accounts.get(grantId as string);
  if (account) account.budget = data.limits.budget;
}

function post(
  accounts: Map<string, Account>,
  posted: Map<string, Posted>,
  permit: EventOf<'ActionPermitted'>,
  world: World,
): void {
  const { charge } = permit.data;
  const entry: Posted = { accounts: [], permit, at: Date.parse(permit.time), reserved: amounts(charge) };
  posted.set(permit.actionId as string, entry);
  for (let account = accounts.get(permit.grantId as string); account; account = account.above) {
    account.entries.push(entry);
    const broken = overdrawnOf(account, entry, world);
    if (broken !== undefined)
      throw new Violation(`I3: ${permit.log}@${permit.position} exceeds the cap of ${broken} under ${permit.grantId}`);
  }
}

/** Returns the counter, currency or window whose cap the newest entry exceeds; undefined if there is none. */
function overdrawnOf({ entries, budget, reached }: Account, newest: Entry, world: World): string | undefined {
  const { charge } = newest.permit.data;
  const [reserved, most] = [amounts(charge), amounts(budget)];
  for (const counter of COUNTERS) {
    const used = count(entries, counter);
    // a narrowing may leave a cap below the use; no later permit charges it
    if (charge[counter] > 0 && used > budget[counter]) return counter;
    if (charge[counter] > 0 && used === budget[counter]) {
      world.count('a count used up exactly');
      reached.add(newest.permit.commandId);
    }
  }
  for (const currency of currencies(entries)) {
    const total = spent(entries, currency) + held(entries, currency);
    const cap = most[currency] ?? 0;
    const charged = (reserved[currency] ?? 0) > 0;
    // an outcome may declare more cost than was held; this ends the grant, so no later permit may charge it
    if (charged && (total - over(entries, currency) > cap || total > cap)) return currency;
    if (charged && total === cap) world.count('money used up exactly');
  }
  for (const { actions, ...limits } of budget.perVerb ?? []) {
    if (ofVerbs([newest], actions, 'calls') === 0) continue;
    for (const [what, cap] of Object.entries({ ...amounts(limits), calls: limits.calls })) {
      const used = ofVerbs(entries, actions, what);
      const charged = what === 'calls' || (reserved[what] ?? 0) > 0;
      if (cap !== undefined && charged && used > cap) return `${what} of ${actions.join(', ')}`;
      if (used === cap) world.count('a cap per verb used up exactly');
    }
  }
  for (const window of budget.windows) {
    const caps: Record<string, number | undefined> = { ...amounts(window) };
    for (const counter of COUNTERS) caps[counter] = window[counter];
    for (const [what, cap] of Object.entries(caps)) {
      const charged = what in charge ? charge[what as 'calls'] : (reserved[what] ?? 0);
      if (cap === undefined || !charged) continue;
      const used = inWindow(entries, what, window, newest.at);
      if (used > cap) return `${what} in ${window.per}`;
      if (used === cap) world.count('a window used up exactly');
    }
  }
  return undefined;
}
