import type { Reason } from '@bailiwick/contracts/reason';
import { budget } from '../../dimensions/budget';
import type { ActionFacts, Situation } from '../../dimensions/dimension';
import type { PurseNode } from '../../state/purses';
import { leftOf, type Amounts, type Settled } from '../../state/usage';

/** I3: returns the objections of the tenant budgets that an action draws from. */
export function beyondPurses(purses: readonly PurseNode[], facts: ActionFacts, now: number): Reason[] {
  return purses.flatMap((purse): Reason[] => {
    const situation: Situation = { usage: purse.usage, drift: 0, stages: true, leaf: false };
    const verdict = budget.admits(purse.budget, onlyNamed(facts, purse), situation, now);
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

/** Returns the call with the currencies and units alone that the budget caps. */
function onlyNamed(facts: ActionFacts, { budget: caps }: PurseNode): ActionFacts {
  const cost = named(facts.cost, caps.cost);
  const units = named(facts.units, caps.units);
  return cost === facts.cost && units === facts.units ? facts : { ...facts, cost: cost ?? {}, units };
}

function named(amounts: Amounts | undefined, caps: Amounts = {}): Amounts | undefined {
  const all = Object.entries(amounts ?? {});
  const capped = all.filter(([name]) => Object.hasOwn(caps, name));
  return capped.length === all.length ? amounts : Object.fromEntries(capped);
}

/** Returns the smallest amount of a currency or unit that purses would still admit, in addition to the `held` amount. */
export const leftInPurses = (
  kind: Settled,
  purses: readonly PurseNode[],
  name: string,
  held: number,
  now: number,
): number =>
  purses.reduce(
    (least, { usage, budget: caps }) =>
      Object.hasOwn(caps[kind] ?? {}, name) ? Math.min(least, leftOf(kind, usage, caps, name, held, now)) : least,
    Infinity,
  );
