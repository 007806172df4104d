import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { COUNTER_OF, COUNTERS, type Counter, type Effect } from '@bailiwick/contracts/grants/grant';
import type { Claims } from '../kinds';
import { precedes } from '../period';
import { sumOf } from '../tree';
import { need } from './failed';

/** Checks that the listed amounts add up to the claimed spending. @throws Failed with a readable message */
export function sumsOf(claims: Claims): string {
  if ('custody' in claims) return 'one action';
  if (!('tree' in claims)) return ofRun(claims);
  claims.runs.forEach(ofRun);
  const sum = sumOf(claims.runs.map(({ spent }) => spent));
  for (const counter of COUNTERS) equal(`spent.${counter}`, sum[counter], claims.spent[counter], 'of its runs');
  amounts('cost', sum.cost, claims.spent.cost, 'of its runs');
  amounts('units', sum.units, claims.spent.units, 'of its runs');
  return `${claims.spent.calls} calls in ${claims.runs.length} runs`;
}

function ofRun({ run, period, inFlight, actions, spent }: RunClaims): string {
  // of a period: calls count in that of the permit, amounts in that of the outcome
  const isIn = ({ time }: { time: string }): boolean => period === undefined || !precedes({ time }, period);
  const inFlightBefore = new Set(inFlight?.atStart.actions);
  const settled = actions.filter(
    (each) => period === undefined || (each.outcome !== 'open' && (isIn(each) || inFlightBefore.has(each.id))),
  );
  const counted = actions.filter(isIn);
  equal('spent.calls', counted.length, spent.calls, `the actions of ${run.id}`);
  for (const counter of ['reads', 'writes', 'external'] as const) {
    const charged = counted.filter((each) => countersOf(each).includes(counter));
    equal(`spent.${counter}`, charged.length, spent[counter], `the ${counter} of ${run.id}`);
  }
  const sum = sumOf(
    settled.map(({ cost, charged = cost, units, chargedUnits = units }) => ({
      ...{ calls: 0, reads: 0, writes: 0, external: 0 },
      ...{ cost: charged, units: chargedUnits },
    })),
  );
  amounts('cost', sum.cost, spent.cost, run.id);
  amounts('units', sum.units, spent.units, run.id);
  return spent.calls === 1 ? '1 call' : `${spent.calls} calls`;
}

/** An action with several effects is charged to the counter of each. An unknown effect has none, and its sum is wrong. */
const countersOf = ({ effect, effects = [effect] }: RunClaims['actions'][number]): (Counter | undefined)[] =>
  effects.map((each) => COUNTER_OF[each as Effect]);

type Amounts = Record<string, number>;
function amounts(kind: 'cost' | 'units', sum: Amounts = {}, spent: Amounts = {}, whose: string): void {
  const what = kind === 'cost' ? 'the costs' : 'the units';
  for (const name of new Set([...Object.keys(sum), ...Object.keys(spent)]))
    equal(`spent.${kind}.${name}`, sum[name] ?? 0, spent[name] ?? 0, `${what} ${whose}`);
}

function equal(claim: string, sum: number, spent: number, what: string): void {
  need(sum === spent, `${what} add up to ${sum}, but ${spent} are claimed`, undefined, claim);
}
