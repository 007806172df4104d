import type { Reason } from '@bailiwick/contracts/reason';
import { budget } from '../../dimensions/budget';
import type { ActionFacts, Situation } from '../../dimensions/dimension';
import type { PurseNode } from '../../state/purses';
import { moneyLeft } from '../../state/usage';

/** I3: returns the objections of the tenant budgets that an action draws from. */
export function beyondPurses(purses: readonly PurseNode[], facts: ActionFacts, now: number): Reason[] {
  return purses.flatMap((purse): Reason[] => {
    const situation: Situation = { usage: purse.usage, drift: 0, leaf: false };
    const verdict = budget.admits(purse.budget, { ...facts, cost: named(facts.cost, purse) }, situation, now);
    if (verdict.outcome === 'permit') return [];
    const path = `budgets.${purse.name}${(verdict.path ?? '').replace(/^budget/, '')}`;
    if (verdict.outcome !== 'deny') return [{ rule: 'tenant-budget', ...verdict, path }];
    return [
      {
        rule: 'tenant-budget',
        ...verdict,
        code: 'TENANT_BUDGET_EXHAUSTED',
        message: `the tenant budget ${purse.name}, which all matching runs share: ${verdict.message}; only an admin may raise it`,
        path,
      },
    ];
  });
}

/** Returns the part of a cost in the currencies that the budget caps. */
function named(cost: ActionFacts['cost'], { budget: { cost: caps } }: PurseNode): ActionFacts['cost'] {
  const currencies = Object.entries(cost);
  const capped = currencies.filter(([currency]) => Object.hasOwn(caps, currency));
  return capped.length === currencies.length ? cost : Object.fromEntries(capped);
}

/** Returns the smallest amount in a currency that purses would still admit, in addition to the `held` amount. */
export const leftInPurses = (purses: readonly PurseNode[], currency: string, held: number, now: number): number =>
  purses.reduce(
    (least, { usage, budget: caps }) =>
      Object.hasOwn(caps.cost, currency) ? Math.min(least, moneyLeft(usage, caps, currency, held, now)) : least,
    Infinity,
  );
