import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS, type BudgetLimit } from '@bailiwick/contracts/grants/grant';
import { count, currencies, held, isOutcome, lengthOf, over, spent, within, type Entry } from '../../properties/ledger';
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
  for (const event of events) {
    if (event.type === 'GrantIssued') open(accounts, event);
    else if (event.type === 'GrantNarrowed') narrow(accounts, event);
    else if (event.type === 'ActionPermitted') post(accounts, posted, event, world);
    else if (event.type === 'GrantExhausted') accounts.get(event.grantId as string)?.exhausted.add(event.commandId);
    else if (isOutcome(event)) {
      const entry = posted.get(event.actionId as string);
      if (entry) Object.assign(entry, { spent: event.data.charge.cost, settledAt: Date.parse(event.time) });
    }
  }
  for (const [grantId, { reached, exhausted }] of accounts)
    for (const by of reached)
      if (!exhausted.has(by)) throw new Violation(`I3: ${by} used up a count of ${grantId}, but the grant did not end`);
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
  const entry: Posted = { accounts: [], permit, at: Date.parse(permit.time), reserved: charge.cost };
  posted.set(permit.actionId as string, entry);
  for (let account = accounts.get(permit.grantId as string); account; account = account.above) {
    account.entries.push(entry);
    const broken = overdrawn(account, entry, world);
    if (broken !== undefined)
      throw new Violation(`I3: ${permit.log}@${permit.position} exceeds the cap of ${broken} under ${permit.grantId}`);
  }
}

/** Returns the counter, currency or window whose cap the newest entry exceeds; undefined if there is none. */
function overdrawn({ entries, budget, reached }: Account, newest: Entry, world: World): string | undefined {
  const { charge } = newest.permit.data;
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
    const cap = budget.cost[currency] ?? 0;
    const charged = (charge.cost[currency] ?? 0) > 0;
    // an outcome may declare more cost than was held; this ends the grant, so no later permit may charge it
    if (charged && (total - over(entries, currency) > cap || total > cap)) return currency;
    if (charged && total === cap) world.count('money used up exactly');
  }
  for (const window of budget.windows) {
    const caps: Record<string, number | undefined> = { ...window.cost };
    for (const counter of COUNTERS) caps[counter] = window[counter];
    for (const [what, cap] of Object.entries(caps)) {
      const charged = what in charge ? charge[what as 'calls'] : (charge.cost[what] ?? 0);
      if (cap === undefined || !charged) continue;
      const used = within(entries, what, lengthOf(window.per), newest.at);
      if (used > cap) return `${what} in ${window.per}`;
      if (used === cap) world.count('a window used up exactly');
    }
  }
  return undefined;
}
