import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS, type Consumed } from '@bailiwick/contracts/grants/grant';
import type { Story } from './story';

// Recounts the charges of leases and compares them with the counters that the log owner wrote into each permit. Shares
// no code with the rules that count (`libs/authority/src/state/usage.ts`).

type Issued = EventOf<'GrantIssued'>;
/** `cost` also holds the units: their names are in lower case, and those of currencies in upper case. */
type Count = {
  calls: number;
  reads: number;
  writes: number;
  external: number;
  cost: Record<string, number>;
  /** what is set aside for it from the budgets above, until it ends */
  aside?: Amounts | undefined;
  above?: Count | undefined;
  /** the counts directly below in or below which something is set aside */
  readonly below?: Set<Count>;
};
type Amounts = Readonly<Record<string, number>>;
const amountsOf = ({ cost, units }: { cost: Amounts; units?: Amounts | undefined }): Amounts => ({ ...cost, ...units });
const none = (): Count => ({ calls: 0, reads: 0, writes: 0, external: 0, cost: {} });

export interface CounterFinding {
  readonly position: number;
  readonly says: string;
}

/**
 * Compares the remaining budget that each permit states (`remaining`) with the one that follows from the events. Counts
 * are charged at the permit; money is reserved at the permit and replaced by the amount spent at the outcome (I3).
 * @param whole the events are those of the entire tree, so the counters must be equal. Otherwise siblings may have spent
 * from the same budget, and the permit may state less, but never more
 */
export function countersOf(story: Story, whole: boolean): CounterFinding[] {
  /** by grant; a raised lease continues with the counts of the lease it superseded */
  const counts = new Map<string, Count>();
  const findings: CounterFinding[] = [];
  for (const { event } of story.entries) {
    if (event.type === 'GrantIssued') counts.set(event.grantId as string, takenOver(event, counts));
    else if (isEnd(event)) Object.assign(counts.get(event.grantId ?? '') ?? {}, { aside: undefined });
    else if (event.type === 'ActionPermitted') {
      const chain = standingChain(event, story);
      for (const { grantId } of chain)
        add(counts.get(grantId as string), event.data.charge, amountsOf(event.data.charge));
      const says = differing(event.data.remaining, leftOf(chain, counts), whole);
      if (says !== undefined) findings.push({ position: event.position, says });
    } else if (isOutcome(event)) settle(event, story, counts);
  }
  return findings;
}

function takenOver({ data }: Issued, counts: ReadonlyMap<string, Count>): Count {
  const { budget } = data.limits;
  const count = (data.supersedes === undefined ? undefined : counts.get(data.supersedes)) ?? {
    ...none(),
    below: new Set(),
  };
  count.above ??= counts.get(data.parentId ?? '');
  const caps = { ...countsOf(budget), ...amountsOf(budget) };
  count.aside = budget.reserve && count.above ? caps : undefined;
  if (count.aside)
    for (let each: Count | undefined = count; each?.above; each = each.above) each.above.below?.add(each);
  return count;
}

const countsOf = ({ calls, reads, writes, external }: Consumed): Amounts => ({ calls, reads, writes, external });

const isEnd = ({ type }: Event): boolean =>
  type === 'GrantExpired' || type === 'GrantExhausted' || type === 'GrantRevoked' || type === 'RunCompleted';

const chargedOf = (count: Count, what: string): number =>
  what in countsOf(count) ? count[what as 'calls'] : (count.cost[what] ?? 0);

/** Returns what counts against a cap: what is charged, and what is set aside below and unused. */
function totalOf(count: Count, what: string): number {
  let total = chargedOf(count, what);
  for (const each of count.below ?? [])
    total += Math.max(totalOf(each, what), each.aside?.[what] ?? 0) - chargedOf(each, what);
  return total;
}

const slackOf = (count: Count, what: string): number =>
  count.aside ? Math.max(0, (count.aside[what] ?? 0) - totalOf(count, what)) : 0;

function settle(outcome: Event & { data: { charge: Consumed } }, story: Story, counts: Map<string, Count>): void {
  const permit = story.decisions.get(outcome.actionId ?? '')?.event;
  const first = story.outcomes.get(outcome.actionId ?? '')?.[0]?.event;
  if (permit?.type !== 'ActionPermitted' || first !== outcome) return; // a finding of its custody
  for (const { grantId } of standingChain(permit, story)) {
    const { cost } = counts.get(grantId as string) ?? none();
    for (const [currency, held] of Object.entries(amountsOf(permit.data.charge)))
      cost[currency] = (cost[currency] ?? 0) - held;
    for (const [currency, spent] of Object.entries(amountsOf(outcome.data.charge)))
      cost[currency] = (cost[currency] ?? 0) + spent;
  }
}

const isOutcome = (event: Event): event is EventOf<'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned'> =>
  event.type === 'ActionCompleted' || event.type === 'ActionFailed' || event.type === 'ActionAbandoned';

/** Returns the chain from the leaf up, with each grant as it was in force at the permit. */
function standingChain(permit: EventOf<'ActionPermitted'>, { issues, superseded }: Story): Issued[] {
  const chain: Issued[] = [];
  for (let id = permit.grantId, before = permit.position; id !== undefined;) {
    const issued: Issued | undefined = issues.get(id)?.event;
    if (!issued || issued.position >= before) break; // a finding of its custody
    let current = issued;
    for (;;) {
      const by = superseded.get(current.grantId as string)?.event;
      const next = by && by.position < permit.position ? issues.get(by.data.by)?.event : undefined;
      if (!next || next.position <= current.position) break;
      current = next;
    }
    chain.push(current);
    before = issued.position;
    id = issued.data.parentId;
  }
  return chain;
}

function add(count: Count | undefined, charge: Consumed, cost: Amounts): void {
  if (!count) return;
  for (const counter of COUNTERS) count[counter] += charge[counter];
  for (const [currency, value] of Object.entries(cost)) count.cost[currency] = (count.cost[currency] ?? 0) + value;
}

/** Returns the smallest remaining amount in the chain, for everything that the leaf has a cap for. */
function leftOf(chain: readonly Issued[], counts: ReadonlyMap<string, Count>): Count {
  const left = none();
  chain.forEach(({ grantId, data }, i) => {
    const { budget } = data.limits;
    const used = counts.get(grantId as string) ?? none();
    const under = chain.slice(0, i).flatMap((each) => counts.get(each.grantId as string) ?? []);
    const least = (before: number, cap: number, what: string): number => {
      const open = under.reduce((sum, each) => sum + slackOf(each, what), 0);
      const rest = Math.max(0, cap - totalOf(used, what) + open);
      return i === 0 ? rest : Math.min(before, rest);
    };
    for (const counter of COUNTERS) left[counter] = least(left[counter], budget[counter], counter);
    const caps = amountsOf(budget);
    for (const name of Object.keys(i === 0 ? caps : left.cost))
      left.cost[name] = least(left.cost[name] ?? 0, caps[name] ?? 0, name);
  });
  return left;
}

function differing(stated: Consumed, left: Count, whole: boolean): string | undefined {
  const fits = (a: number, b: number): boolean => (whole ? a === b : a <= b);
  const more = whole ? '' : 'at most ';
  for (const counter of COUNTERS)
    if (!fits(stated[counter], left[counter]))
      return `it states ${stated[counter]} ${counter} remaining, but the events leave ${more}${left[counter]}`;
  const amounts = amountsOf(stated);
  for (const name of new Set([...Object.keys(amounts), ...Object.keys(left.cost)]))
    if (!fits(amounts[name] ?? 0, left.cost[name] ?? 0))
      return `it states ${amounts[name] ?? 0} ${name} remaining, but the events leave ${more}${left.cost[name] ?? 0}`;
  return undefined;
}
