import { COUNTER_OF, COUNTERS, type Counter } from '@bailiwick/contracts/grants/grant';
import type { DerivedLease } from './derived-lease';
import type { RecordedRun } from './recorded-run';

type Amounts = Record<string, number>;

/** Twice what a run used, and three more: agents repeat what failed. */
export const withMargin = (most: number): number => 2 * most + 3;

/** What no run did stays at nothing, except reading. A cap that is reached ends the lease, so it is above those of verbs. */
const capOf = (counter: Counter, most: number): number =>
  counter === 'calls' || counter === 'reads' || most > 0 ? withMargin(most) + SLACK : 0;
/** Calls that another run needs to find its way. */
const SLACK = 7;

/** Half as much again as a run spent, in minor units or units. */
const amountWithMargin = (most: number): number => Math.ceil(most * 1.5);

/** Returns caps with margins over what any run used, and what they used. */
export function budgetOf(runs: readonly RecordedRun[]): Pick<DerivedLease, 'budget' | 'most'> {
  const [most, cost, units]: [Amounts, Amounts, Amounts] = [{}, {}, {}];
  for (const { calls } of runs) {
    const [used, spent, counted]: [Amounts, Amounts, Amounts] = [{ calls: calls.length }, {}, {}];
    for (const call of calls) {
      add(used, Object.fromEntries(call.effects.map((effect) => [COUNTER_OF[effect], 1])));
      add(spent, call.cost);
      add(counted, call.units);
    }
    raise(most, used);
    raise(cost, spent);
    raise(units, counted);
  }
  const caps = Object.fromEntries(COUNTERS.map((counter) => [counter, capOf(counter, most[counter] ?? 0)]));
  const budget = {
    ...caps,
    ...(isEmpty(cost) ? {} : { cost: raised(cost) }),
    ...(isEmpty(units) ? {} : { units: raised(units) }),
  };
  return { budget, most };
}

const isEmpty = (amounts: Amounts): boolean => Object.keys(amounts).length === 0;

const raised = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amountWithMargin(amount)]));

function add(to: Amounts, amounts: Readonly<Amounts> = {}): void {
  for (const [name, amount] of Object.entries(amounts)) to[name] = (to[name] ?? 0) + amount;
}

function raise(most: Amounts, used: Readonly<Amounts>): void {
  for (const [name, amount] of Object.entries(used)) most[name] = Math.max(most[name] ?? 0, amount);
}
