import type { CommandOf } from '@bailiwick/contracts/command';
import type { EventData } from '@bailiwick/contracts/event';
import type { Consumed } from '@bailiwick/contracts/grant';
import { ok } from '@bailiwick/core/result';
import { isRelaxing } from '../../matching/catalog';
import { chainOf, settledOf, type ActionNode, type GrantNode, type LogState } from '../../state/state';
import { moneyAfter, moneyLeft } from '../../state/usage';
import { exhausted } from './authorize-action';
import { actsForAnother, notFound, refuse, type Decide, type Decided, type NewEvent } from '../types';

/** I7: a permit ends in exactly one outcome. What it cost is counted even where it is more than was reserved (I3). */
export const settle: Decide<'settle'> = (state, command, now) => {
  const action = state.actions.get(command.actionId);
  if (!action) return settleLate(state, command);
  if (actsForAnother(command, action.runId)) return notFound('permitted action', command.actionId);
  const { status, cost, effects, resultDigest } = command.outcome;
  const labels = command.outcome.labels?.filter((each) => command.actor.kind !== 'run' || !isRelaxing(each));
  const unknownCost = status === 'completed' ? action.charge.cost : {};
  const report: Report = {
    type: status === 'completed' ? 'ActionCompleted' : 'ActionFailed',
    cost: cost ?? unknownCost,
    byRun: command.actor.kind === 'run',
  };
  return ok(
    settlement(state, action, report, now, {
      ...(effects === undefined ? {} : { effects }),
      ...(resultDigest === undefined ? {} : { resultDigest }),
      ...(labels === undefined ? {} : { labels }),
    }),
  );
};

/**
 * What became of an action that had been given up (I7: that is its outcome, and stays so). It is recorded in addition:
 * what the action did in the world is a fact, whenever it is reported. Nothing is charged or given back by it.
 */
function settleLate(state: LogState, command: CommandOf<'settle'>): Decided {
  const { actionId, outcome } = command;
  const done = settledOf(state, actionId);
  if (!done || actsForAnother(command, done.runId)) return notFound('permitted action', actionId);
  if (done.status !== 'abandoned')
    return refuse('ALREADY_SETTLED', `action ${actionId} is ${done.status} already; an outcome is reported once`);
  if (done.latePosition !== undefined)
    return refuse(
      'ALREADY_SETTLED',
      `action ${actionId} was given up, and what became of it is recorded at position ${done.latePosition} already`,
    );
  const run = state.runs.get(done.runId);
  if (!run) return notFound('permitted action', actionId);
  const { treeId, id: runId, grantId } = run;
  return ok([{ type: 'OutcomeReportedLate', treeId, runId, grantId, actionId, payload: true, data: outcome }]);
}

/** An action of which no client knows whether it happened: what was reserved counts as spent. */
export function givenUp(chain: readonly GrantNode[], action: ActionNode, now: number): NewEvent[] {
  const report: Report = { type: 'ActionAbandoned', cost: action.charge.cost, byRun: false };
  const [outcome, ...ended] = settlementUnder(chain, action, report, now);
  return [{ ...(outcome as NewEvent), payload: undefined }, ...ended];
}

/** What is reported of an action, and whether the run that acted reports it of itself. */
export interface Report {
  readonly type: 'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned';
  readonly cost: Readonly<Record<string, number>>;
  readonly byRun: boolean;
}

/**
 * The outcome and whatever it ends. Counts are never given back; money is committed as spent, above what was reserved
 * too, and then the grant of the action ends. Of the grants above it one whose cap is reached ends; one that is carried
 * over its cap is suspended until a person has looked at it, since what is below it did that and not its own run.
 */
export const settlement = (
  state: LogState,
  action: ActionNode,
  report: Report,
  now: number,
  more: Partial<EventData<'ActionCompleted'>> = {},
): NewEvent[] => settlementUnder(chainOf(state, action.grantId) ?? [], action, report, now, more);

/** The same with the chain as it is by then, its leaf first. */
export function settlementUnder(
  chain: readonly GrantNode[],
  action: ActionNode,
  report: Report,
  now: number,
  more: Partial<EventData<'ActionCompleted'>> = {},
): NewEvent[] {
  const { type, cost } = report;
  const overrun = Object.entries(cost).some(([currency, spent]) => spent > (action.charge.cost[currency] ?? 0));
  const leaf = chain[0] as GrantNode;
  const charged = chargedOf(chain, action, report, now);
  const findings = findingsOf(chain, cost, charged);
  const charge: Consumed = { ...action.charge, cost: charged };
  return [
    {
      type,
      treeId: action.treeId,
      runId: action.runId,
      grantId: leaf.id,
      actionId: action.id,
      payload: true,
      data: {
        charge,
        cost: { ...cost },
        ...(overrun ? { overrun } : {}),
        ...(findings.length > 0 ? { findings } : {}),
        ...more,
      },
    },
    ...chain.flatMap((grant): NewEvent[] => {
      if (grant.status !== 'active' && grant.status !== 'suspended') return [];
      const { reached, carriedOver } = moneyAfter(grant.usage, grant.limits.budget, action.charge, charge);
      if (overrun && grant === leaf) return [exhausted(grant, [...reached, ...carriedOver].sort(), true)];
      if (carriedOver.length > 0) return grant.status === 'active' ? [suspendedByOverrun(grant, carriedOver)] : [];
      return reached.length > 0 ? [exhausted(grant, reached)] : [];
    }),
  ];
}

/**
 * I3: what is charged of a reported cost. A run's own word can take from the grants above it no more than its own lease
 * could still have spent; an enforcement point's counts in full. What no grant of the chain names is charged nowhere.
 */
function chargedOf(
  chain: readonly GrantNode[],
  { charge: { cost: reserved } }: ActionNode,
  { cost, byRun }: Report,
  now: number,
): Record<string, number> {
  const charged: Record<string, number> = {};
  for (const [currency, spent] of Object.entries(cost)) {
    const held = reserved[currency] ?? 0;
    const most = !isNamed(chain, currency) ? 0 : byRun ? held + roomFor(chain, currency, held, now) : spent;
    if (spent <= held || most > 0) charged[currency] = Math.min(spent, Math.max(held, most));
  }
  return charged;
}

/** What a lease could still have spent in a currency, in addition to what is held: the least of its chain. */
const roomFor = (chain: readonly GrantNode[], currency: string, held: number, now: number): number =>
  Math.min(...chain.map(({ usage, limits: { budget } }) => moneyLeft(usage, budget, currency, held, now)));

const isNamed = (chain: readonly GrantNode[], currency: string): boolean =>
  chain.some(({ limits: { budget } }) => Object.hasOwn(budget.cost, currency));

type Findings = NonNullable<EventData<'ActionCompleted'>['findings']>;

/** What was reported and charged nowhere, for the record. */
function findingsOf(
  chain: readonly GrantNode[],
  cost: Readonly<Record<string, number>>,
  charged: Readonly<Record<string, number>>,
): Findings {
  return Object.entries(cost).flatMap(([currency, spent]): Findings => {
    const amount = spent - (charged[currency] ?? 0);
    const code = isNamed(chain, currency) ? 'BEYOND_LEASE' : 'CURRENCY_NOT_NAMED';
    return amount > 0 ? [{ code, currency, amount }] : [];
  });
}

function suspendedByOverrun(grant: GrantNode, caps: readonly string[]): NewEvent {
  return {
    type: 'GrantSuspended',
    treeId: grant.treeId,
    runId: grant.runId,
    grantId: grant.id,
    data: {
      reason: {
        code: 'OVERRUN',
        says: `an action below it cost more than was reserved, and ${caps.join(', ')} is exceeded; a person must look`,
      },
    },
  };
}
