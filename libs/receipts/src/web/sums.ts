import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { COUNTERS } from '@bailiwick/contracts/grants/grant';
import type { Claims } from '../kinds';
import { sumOf } from '../tree';
import { need } from './failed';

/** Checks that the listed amounts add up to the claimed spending. @throws Failed with a readable message */
export function sumsOf(claims: Claims): string {
  if ('custody' in claims) return 'one action';
  if (!('tree' in claims)) return ofRun(claims);
  claims.runs.forEach(ofRun);
  const sum = sumOf(claims.runs.map(({ spent }) => spent));
  for (const counter of COUNTERS) equal(`spent.${counter}`, sum[counter], claims.spent[counter], 'of its runs');
  costs(sum.cost, claims.spent.cost, 'of its runs');
  return `${claims.spent.calls} calls in ${claims.runs.length} runs`;
}

function ofRun({ run, actions, spent }: RunClaims): string {
  equal('spent.calls', actions.length, spent.calls, `the actions of ${run.id}`);
  equal('spent.reads', spent.reads + spent.writes + spent.external, spent.calls, 'its reads, writes and external');
  costs(
    sumOf(actions.map(({ cost, charged = cost }) => ({ calls: 0, reads: 0, writes: 0, external: 0, cost: charged })))
      .cost,
    spent.cost,
    run.id,
  );
  return `${spent.calls} calls`;
}

function costs(sum: Record<string, number>, spent: Record<string, number>, whose: string): void {
  for (const currency of new Set([...Object.keys(sum), ...Object.keys(spent)]))
    equal(`spent.cost.${currency}`, sum[currency] ?? 0, spent[currency] ?? 0, `the costs ${whose}`);
}

function equal(claim: string, sum: number, spent: number, what: string): void {
  need(sum === spent, `${what} add up to ${sum}, but ${spent} are claimed`, undefined, claim);
}
