import type { StoredBudgetSelector, TenantCaps } from '@bailiwick/contracts/budgets/tenant-budget';
import type { Refusal } from '@bailiwick/contracts/reason';
import { isTimeZone } from '@bailiwick/core/calendar';
import { formatDuration, parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { nameKey } from '@bailiwick/core/look-alike';
import { err, ok } from '@bailiwick/core/result';
import { meetWindows } from '../dimensions/budget';
import { faultIn } from '../matching/names';
import type { LogState } from '../state/state';
import { notFound, refuse, type Decide } from './types';

/** Sets a tenant budget. It applies to live runs at once; a changed one keeps what was drawn from it. */
export const setTenantBudget: Decide<'setTenantBudget'> = (state, { actor, name, selector, budget }) => {
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not set a tenant budget');
  const fault = faultIn([['selector.agentClass', selector.agentClass]]) ?? capsFault(budget);
  if (fault) return err(fault);
  if (!state.purses.get(name) && state.purses.size >= LIMITS.tenantBudgets)
    return refuse('TOO_MANY', `a tenant has at most ${LIMITS.tenantBudgets} budgets; remove one first`);
  const most = mostTogether(state, name, selector);
  if (most > LIMITS.tenantBudgetsPerAction)
    return refuse(
      'TOO_MANY',
      `${most} budgets would match one action; at most ${LIMITS.tenantBudgetsPerAction} may. Name a narrower selector`,
    );
  const windows = budget.windows && { windows: meetWindows(budget.windows, []) };
  return ok([{ type: 'TenantBudgetSet', payload: true, data: { name, selector, budget: { ...budget, ...windows } } }]);
};

/** Removes a tenant budget with its usage. Calls in flight that drew from it release nothing. */
export const removeTenantBudget: Decide<'removeTenantBudget'> = (state, { actor, name }) => {
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not remove a tenant budget');
  if (!state.purses.get(name)) return notFound('tenant budget', name);
  return ok([{ type: 'TenantBudgetRemoved', data: { name } }]);
};

function capsFault({ windows = [] }: TenantCaps): Refusal | undefined {
  const unknown = windows.find(({ timezone }) => timezone !== undefined && !isTimeZone(timezone));
  if (unknown) {
    const zone = JSON.stringify(unknown.timezone);
    return {
      code: 'BAD_REQUEST',
      detail: `budget.windows: ${zone} is not a known time zone; write it like Europe/Berlin`,
    };
  }
  const odd = windows.find(({ per, timezone }) => {
    if (timezone !== undefined) return false;
    const ms = parseDuration(per) ?? Infinity;
    return ms < LIMITS.windowMinMs || ms > LIMITS.windowMs;
  });
  if (!odd) return undefined;
  const [shortest, longest] = [formatDuration(LIMITS.windowMinMs), formatDuration(LIMITS.windowMs)];
  return { code: 'BAD_REQUEST', detail: `budget.windows: ${odd.per} is not between ${shortest} and ${longest}` };
}

/**
 * Returns the most budgets that could match one action together, with the given one among them. Labels exclude nothing,
 * since an action may carry several.
 */
function mostTogether(state: LogState, name: string, selector: StoredBudgetSelector): number {
  const all = [...state.purses.values()].filter((purse) => purse.name !== name).map((purse) => purse.selector);
  const [person, agentClass] = [selector.principalRef, classOf(selector)];
  const [both, byPerson, byClass] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  let others = 1;
  for (const each of all) {
    const [who, which] = [each.principalRef, classOf(each)];
    if (person !== undefined && who !== undefined && who !== person) continue;
    if (agentClass !== undefined && which !== undefined && which !== agentClass) continue;
    if (who !== undefined && which !== undefined) count(both, `${who} ${which}`);
    else if (who !== undefined) count(byPerson, who);
    else if (which !== undefined) count(byClass, which);
    else others += 1;
  }
  let most = Math.max(0, ...byPerson.values()) + Math.max(0, ...byClass.values());
  for (const [pair, n] of both) {
    const [who = '', ...which] = pair.split(' ');
    most = Math.max(most, n + (byPerson.get(who) ?? 0) + (byClass.get(which.join(' ')) ?? 0));
  }
  return others + most;
}

const classOf = ({ agentClass }: StoredBudgetSelector): string | undefined =>
  agentClass === undefined ? undefined : nameKey(agentClass);
const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
