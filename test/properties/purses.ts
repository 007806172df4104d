import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS } from '@bailiwick/contracts/grants/grant';
import * as ledger from './ledger';
import { opened } from './naive';

/** A tenant budget in force, recomputed from the events for each query. */
export interface Purse {
  readonly name: string;
  /** position of the event that created it */
  readonly since: number;
  readonly set: EventOf<'TenantBudgetSet'>;
  /** window → position of the event since which the budget has had it */
  readonly windows: ReadonlyMap<string, number>;
}

export function inForce(events: readonly Event[]): Purse[] {
  const purses = new Map<string, Purse>();
  for (const event of events) {
    if (event.type === 'TenantBudgetRemoved') purses.delete(event.data.name);
    if (event.type !== 'TenantBudgetSet') continue;
    const { name, budget } = event.data;
    const old = purses.get(name);
    const windows = (budget.windows ?? []).map(({ per }) => [per, old?.windows.get(per) ?? event.position] as const);
    purses.set(name, { name, since: old?.since ?? event.position, set: event, windows: new Map(windows) });
  }
  return [...purses.values()];
}

/** Returns the budgets that an action draws from, by the opening of its root run. */
export function matching(before: readonly Event[], { runId, data }: EventOf<'ActionPermitted'>): Purse[] {
  let root = opened(before, runId);
  while (root?.data.parentRunId !== undefined) root = opened(before, root.data.parentRunId);
  return inForce(before).filter(({ set: { data: budget } }) => {
    const { principalRef, agentClass, label } = budget.selector;
    return (
      root !== undefined &&
      (principalRef === undefined || principalRef === root.data.principalRef) &&
      (agentClass === undefined || agentClass.toLowerCase() === root.data.agent.class.toLowerCase()) &&
      (label === undefined || data.labels.includes(label))
    );
  });
}

/** Returns the permits that draw from a purse. */
export const drawn = <E extends ledger.Entry>(all: readonly E[], { name, since }: Purse): E[] =>
  all.filter(({ permit }) => permit.position > since && permit.data.tenantBudgets?.includes(name));

/**
 * Returns the cap that the newest permit exceeds; undefined if there is none. A permit that charges nothing of what is
 * used up is fine, and a window counts since the budget has it.
 */
export function overdrawn(
  mine: readonly ledger.Entry[],
  { set, windows }: Purse,
  { data: { charge }, time }: EventOf<'ActionPermitted'>,
  reached: (what: string) => void = () => undefined,
): string | undefined {
  const caps = set.data.budget;
  for (const counter of COUNTERS) {
    const cap = caps[counter];
    if (cap === undefined || charge[counter] === 0) continue;
    const used = ledger.count(mine, counter);
    if (used > cap) return counter;
    if (used === cap) reached('a count');
  }
  const charged = ledger.amounts(charge);
  for (const [currency, cap] of Object.entries(ledger.amounts(caps))) {
    if ((charged[currency] ?? 0) === 0) continue;
    const used = ledger.spent(mine, currency) + ledger.held(mine, currency);
    if (used > cap) return currency;
    if (used === cap) reached('money');
  }
  for (const window of caps.windows ?? []) {
    const inside = mine.filter(({ permit }) => permit.position > (windows.get(window.per) ?? 0));
    const limits: Record<string, number | undefined> = { ...ledger.amounts(window) };
    for (const counter of COUNTERS) limits[counter] = window[counter];
    for (const [what, cap] of Object.entries(limits)) {
      const taken = what in charge ? charge[what as 'calls'] : (charged[what] ?? 0);
      if (cap === undefined || !taken) continue;
      const used = ledger.within(inside, what, ledger.lengthOf(window.per), Date.parse(time));
      if (used > cap) return `${what} per ${window.per}`;
      if (used === cap) reached('a window');
    }
  }
  return undefined;
}
