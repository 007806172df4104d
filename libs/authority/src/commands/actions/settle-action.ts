import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { EventData } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { ok } from '@bailiwick/core/result';
import { isRelaxing } from '../../matching/catalog';
import { chainOf, settledOf, type ActionNode, type GrantNode, type LogState } from '../../state/state';
import { moneyAfter, moneyLeft } from '../../state/usage';
import { exhausted } from './authorize-action';
import { actsForAnother, notFound, refuse, type Decide, type Decided, type NewEvent } from '../types';

/** I7: ends a permit with exactly one outcome. Its cost is counted even above the reservation (I3). */
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
 * Records the actual outcome of an abandoned action, which stays abandoned (I7): the effects of the action in the world
 * are facts, whenever they are reported. It neither charges nor releases anything.
 */
function settleLate(state: LogState, command: CommandOf<'settle'>): Decided {
  const { actionId, outcome } = command;
  const done = settledOf(state, actionId);
  if (!done || actsForAnother(command, done.runId)) return notFound('permitted action', actionId);
  if (done.status !== 'abandoned')
    return refuse('ALREADY_SETTLED', `action ${actionId} is already ${done.status}; an outcome is reported once`);
  if (done.latePosition !== undefined)
    return refuse(
      'ALREADY_SETTLED',
      `action ${actionId} was abandoned, and its outcome is already recorded at position ${done.latePosition}`,
    );
  const run = state.runs.get(done.runId);
  if (!run) return notFound('permitted action', actionId);
  const { treeId, id: runId, grantId } = run;
  return ok([{ type: 'OutcomeReportedLate', treeId, runId, grantId, actionId, payload: true, data: outcome }]);
}

/** Abandons an action of which no client reported whether it happened: its reservation counts as spent. */
export function givenUp(chain: readonly GrantNode[], action: ActionNode, now: number): NewEvent[] {
  const report: Report = { type: 'ActionAbandoned', cost: action.charge.cost, byRun: false };
  const [outcome, ...ended] = settlementUnder(chain, action, report, now);
  return [{ ...(outcome as NewEvent), payload: undefined }, ...ended];
}

/** The reported outcome, and whether the acting run itself reports it. */
export interface Report {
  readonly type: 'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned';
  readonly cost: Readonly<Record<string, number>>;
  readonly byRun: boolean;
}

/**
 * Returns the outcome and the events that it causes. Counts are never released. Money is committed as spent, even above
 * the reservation, in which case the grant of the action ends. An ancestor whose cap is reached ends; one whose cap is
 * exceeded is suspended until a person has reviewed it, since a descendant caused that, not its own run.
 */
export const settlement = (
  state: LogState,
  action: ActionNode,
  report: Report,
  now: number,
  more: Partial<EventData<'ActionCompleted'>> = {},
): NewEvent[] => settlementUnder(chainOf(state, action.grantId) ?? [], action, report, now, more, state.heldByRun);

/**
 * Does the same with the chain at that time, leaf first.
 * @param held the grants that runs suspended: such a run may not undo a suspension by an overrun
 */
function settlementUnder(
  chain: readonly GrantNode[],
  action: ActionNode,
  report: Report,
  now: number,
  more: Partial<EventData<'ActionCompleted'>> = {},
  held: ReadonlyMap<string, string> = new Map(),
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
      if (carriedOver.length > 0) {
        const mayBeResumed = grant.status === 'active' || held.has(grant.id);
        return mayBeResumed ? [suspendedByOverrun(grant, carriedOver)] : [];
      }
      return reached.length > 0 ? [exhausted(grant, reached)] : [];
    }),
  ];
}

/**
 * I3: returns the charge for a reported cost. A run's own report can charge its ancestors no more than its lease could
 * still have spent; a report of an enforcement point counts in full. A currency that no grant of the chain names is not
 * charged.
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

/** Returns the smallest amount that the chain could still have spent in a currency, in addition to its reservation. */
const roomFor = (chain: readonly GrantNode[], currency: string, held: number, now: number): number =>
  Math.min(...chain.map(({ usage, limits: { budget } }) => moneyLeft(usage, budget, currency, held, now)));

const isNamed = (chain: readonly GrantNode[], currency: string): boolean =>
  chain.some(({ limits: { budget } }) => Object.hasOwn(budget.cost, currency));

type Findings = NonNullable<EventData<'ActionCompleted'>['findings']>;

/** Returns the reported amounts that were not charged, for the record. */
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
        says: `an action below it cost more than was reserved, and ${caps.join(', ')} is exceeded; a person must review it`,
      },
    },
  };
}
