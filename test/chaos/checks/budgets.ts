import type { Event } from '@bailiwick/contracts/events/event';
import type { Consumed, Limits } from '@bailiwick/contracts/grants/grant';
import { isType, type Logged } from '../log';
import type { ExhaustedCap } from '../record';

interface Account {
  readonly parentId: string | undefined;
  readonly limits: Limits;
  calls: number;
  reads: number;
  writes: number;
  external: number;
  /** minor units: spent, and held by permits without an outcome */
  spent: number;
  held: number;
}
const COUNTERS = ['calls', 'reads', 'writes', 'external'] as const;

/**
 * Checks I3 from the events alone: each permit counts against its lease and all ancestors, with money first held and
 * then spent. No cap is exceeded at any position, and the exhausted caps are used up exactly.
 */
export function checkBudgets(
  log: readonly Logged[],
  exhausted: readonly ExhaustedCap[],
): { findings: string[]; spent: Spent } {
  const findings: string[] = [];
  const accounts = new Map<string, Account>();
  const inFlight = new Map<string, { grantId: string; cost: number }>();
  findings.push(...checkTenantBudgets(log));
  for (const { event } of log) {
    if (isType(event, 'GrantIssued')) {
      const { parentId, limits } = event.data;
      const nothing = { calls: 0, reads: 0, writes: 0, external: 0, spent: 0, held: 0 };
      accounts.set(event.grantId ?? '', { parentId, limits, ...nothing });
    } else if (isType(event, 'GrantNarrowed')) {
      const account = accounts.get(event.grantId ?? '');
      if (account) accounts.set(event.grantId ?? '', { ...account, limits: event.data.limits });
    } else if (isType(event, 'ActionPermitted')) {
      const cost = usd(event.data.charge);
      inFlight.set(event.actionId ?? '', { grantId: event.grantId ?? '', cost });
      findings.push(...checkCharge(event, event.data.charge));
      for (const [id, account] of withAncestors(accounts, event.grantId)) {
        for (const counter of COUNTERS) account[counter] += event.data.charge[counter];
        account.held += cost;
        findings.push(...checkCaps(id, account, event.position));
      }
    } else if (isType(event, 'ActionCompleted', 'ActionFailed', 'ActionAbandoned')) {
      const { grantId, cost } = inFlight.get(event.actionId ?? '') ?? { grantId: '', cost: 0 };
      inFlight.delete(event.actionId ?? '');
      for (const [id, account] of withAncestors(accounts, grantId)) {
        account.held -= cost;
        account.spent += usd(event.data.charge);
        findings.push(...checkCaps(id, account, event.position));
      }
    }
  }
  for (const { grantId, counter, amount } of exhausted) {
    const account = accounts.get(grantId);
    const used = counter === 'calls' ? account?.calls : account && account.spent + account.held;
    if (used !== amount)
      findings.push(`${grantId} has used ${used} ${counter} of ${amount} although more were requested`);
  }
  return { findings, spent: new Map([...accounts].map(([id, { parentId: _, limits: __, ...used }]) => [id, used])) };
}

/** Checks that the runs of a class draw from the budget of that class, and make no more calls than it has. */
function checkTenantBudgets(log: readonly Logged[]): string[] {
  const findings: string[] = [];
  const classes = new Map<string, string>();
  const left = new Map<string, number>();
  for (const { event } of log) {
    if (isType(event, 'RunOpened') && event.data.parentRunId === undefined)
      classes.set(event.treeId ?? '', event.data.agent.class);
    else if (isType(event, 'TenantBudgetSet')) {
      const { name, budget } = event.data;
      if (!left.has(name)) left.set(name, budget.calls ?? Infinity); // set twice by a retry
    } else if (isType(event, 'TenantBudgetRemoved')) left.delete(event.data.name);
    else if (isType(event, 'ActionPermitted')) {
      const name = classes.get(event.treeId ?? '') ?? '';
      const calls = left.get(name);
      if (calls === undefined) continue;
      left.set(name, calls - 1);
      if (calls < 1 || !event.data.tenantBudgets?.includes(name))
        findings.push(`the permit at ${event.position} exceeds the tenant budget ${name}, or leaves it out (I3)`);
    }
  }
  return findings;
}

/** grant → usage */
export type Spent = Map<string, Pick<Account, (typeof COUNTERS)[number] | 'spent' | 'held'>>;

const usd = ({ cost }: Consumed): number => cost.USD ?? 0;

function* withAncestors(accounts: Map<string, Account>, grantId: string | undefined): Generator<[string, Account]> {
  for (let id = grantId; id !== undefined;) {
    const account = accounts.get(id);
    if (!account) throw new Error(`a permit refers to ${id}, which was never issued (I7)`);
    yield [id, account];
    id = account.parentId;
  }
}

/** Checks that a permit counts as one call and at most one of each effect, and at least one effect. */
function checkCharge(event: Event, charge: Consumed): string[] {
  const kinds = [charge.reads, charge.writes, charge.external];
  const odd = charge.calls !== 1 || kinds.some((count) => count > 1) || kinds.every((count) => count === 0);
  return odd ? [`the permit at ${event.position} has the charge ${JSON.stringify(charge)}`] : [];
}

function checkCaps(id: string, account: Account, position: number): string[] {
  const { budget } = account.limits;
  const over = COUNTERS.filter((counter) => account[counter] > budget[counter]).map(
    (counter) => `${account[counter]} of ${budget[counter]} ${counter}`,
  );
  const money = account.spent + account.held;
  if (money > (budget.cost.USD ?? 0)) over.push(`${money} of ${budget.cost.USD ?? 0} USD`);
  if (account.held < 0) over.push(`${account.held} USD held`);
  return over.map((what) => `${id} has used ${what} at position ${position} (I3)`);
}
