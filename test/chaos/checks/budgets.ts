import type { Event } from '@bailiwick/contracts/event';
import type { Consumed, Limits } from '@bailiwick/contracts/grant';
import { isType, type Logged } from '../log';
import type { Met } from '../record';

interface Purse {
  readonly parentId: string | undefined;
  readonly limits: Limits;
  calls: number;
  reads: number;
  writes: number;
  external: number;
  /** minor units: spent, and held by permits that have no outcome yet */
  spent: number;
  held: number;
}
const COUNTERS = ['calls', 'reads', 'writes', 'external'] as const;

/**
 * I3, added up from the events alone: each permit counts for its lease and all above it, money as held and then as
 * spent. Nowhere is a cap exceeded, at no position; and those that were asked for more than they hold are met exactly.
 */
export function checkBudgets(log: readonly Logged[], met: readonly Met[]): { findings: string[]; spent: Spent } {
  const findings: string[] = [];
  const purses = new Map<string, Purse>();
  const flying = new Map<string, { grantId: string; cost: number }>();
  for (const { event } of log) {
    if (isType(event, 'GrantIssued')) {
      const { parentId, limits } = event.data;
      const nothing = { calls: 0, reads: 0, writes: 0, external: 0, spent: 0, held: 0 };
      purses.set(event.grantId ?? '', { parentId, limits, ...nothing });
    } else if (isType(event, 'ActionPermitted')) {
      const cost = usd(event.data.charge);
      flying.set(event.actionId ?? '', { grantId: event.grantId ?? '', cost });
      findings.push(...oddCharge(event, event.data.charge));
      for (const [id, purse] of above(purses, event.grantId)) {
        for (const counter of COUNTERS) purse[counter] += event.data.charge[counter];
        purse.held += cost;
        findings.push(...overCap(id, purse, event.position));
      }
    } else if (isType(event, 'ActionCompleted', 'ActionFailed', 'ActionAbandoned')) {
      const { grantId, cost } = flying.get(event.actionId ?? '') ?? { grantId: '', cost: 0 };
      flying.delete(event.actionId ?? '');
      for (const [id, purse] of above(purses, grantId)) {
        purse.held -= cost;
        purse.spent += usd(event.data.charge);
        findings.push(...overCap(id, purse, event.position));
      }
    }
  }
  for (const { grantId, counter, amount } of met) {
    const purse = purses.get(grantId);
    const used = counter === 'calls' ? purse?.calls : purse && purse.spent + purse.held;
    if (used !== amount) findings.push(`${grantId} has used ${used} ${counter} of ${amount}, and more was asked for`);
  }
  return { findings, spent: new Map([...purses].map(([id, { parentId: _, limits: __, ...used }]) => [id, used])) };
}

/** grant → what was used of it */
export type Spent = Map<string, Pick<Purse, (typeof COUNTERS)[number] | 'spent' | 'held'>>;

const usd = ({ cost }: Consumed): number => cost.USD ?? 0;

function* above(purses: Map<string, Purse>, grantId: string | undefined): Generator<[string, Purse]> {
  for (let id = grantId; id !== undefined;) {
    const purse = purses.get(id);
    if (!purse) throw new Error(`a permit stands under ${id}, which was never issued (I7)`);
    yield [id, purse];
    id = purse.parentId;
  }
}

/** One call, and one of each effect that it is known or stated to have. */
function oddCharge(event: Event, charge: Consumed): string[] {
  const kinds = [charge.reads, charge.writes, charge.external];
  const odd = charge.calls !== 1 || kinds.some((count) => count > 1) || kinds.every((count) => count === 0);
  return odd ? [`the permit at ${event.position} counts ${JSON.stringify(charge)}`] : [];
}

function overCap(id: string, purse: Purse, position: number): string[] {
  const { budget } = purse.limits;
  const over = COUNTERS.filter((counter) => purse[counter] > budget[counter]).map(
    (counter) => `${purse[counter]} of ${budget[counter]} ${counter}`,
  );
  const money = purse.spent + purse.held;
  if (money > (budget.cost.USD ?? 0)) over.push(`${money} of ${budget.cost.USD ?? 0} USD`);
  if (purse.held < 0) over.push(`${purse.held} USD held`);
  return over.map((what) => `${id} has used ${what} at position ${position} (I3)`);
}
