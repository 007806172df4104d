import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { EventData } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { ok } from '@bailiwick/core/result';
import { isRelaxing } from '../../matching/catalog';
import { chainOf, settledOf, type ActionNode, type GrantNode, type LogState } from '../../state/state';
import { pursesOf } from '../../events/budget-events';
import type { PurseNode } from '../../state/purses';
import { asSeenBelow, releasedIn } from '../../state/reserves';
import { leftInScopes } from '../../state/scopes';
import { leftOf, moneyAfter, SETTLED, type Amounts, type Settled } from '../../state/usage';
import { exhausted } from './exhaust';
import { leftInPurses } from './tenant-budgets';
import { endsWith, endsWithLate } from './ends-lease';
import { actsForAnother, notFound, refuse, type Decide, type Decided, type NewEvent } from '../types';

/** I7: ends a permit with exactly one outcome. Its cost is counted even above the reservation (I3). */
export const settle: Decide<'settle'> = (state, command, now) => {
  const action = state.actions.get(command.actionId);
  if (!action) return settleLate(state, command);
  if (actsForAnother(command, action.runId)) return notFound('permitted action', command.actionId);
  // else an agent could end its own call in the books, which releases its cost, and no stop would find it in flight
  if (action.isOfBoundary && command.actor.kind === 'run')
    return refuse('FORBIDDEN', `the boundary carries action ${action.id} out, and reports its outcome`);
  const { status, cost, units, effects, resultDigest } = command.outcome;
  const labels = labelsOf(command);
  const unknown = status === 'completed' ? action.charge : NOTHING_SPENT;
  const report: Report = {
    type: status === 'completed' ? 'ActionCompleted' : 'ActionFailed',
    cost: cost ?? unknown.cost,
    units: units ?? unknown.units,
    byRun: command.actor.kind === 'run',
  };
  return ok(
    settlement(state, action, report, now, {
      ...(effects === undefined ? {} : { effects }),
      ...(resultDigest === undefined ? {} : { resultDigest }),
      ...(command.marks === undefined ? {} : { marks: command.marks }),
      ...(labels === undefined ? {} : { labels }),
    }),
  );
};

/** The labels that a report states; what a run states of its result makes no later decision milder. */
const labelsOf = ({ outcome: { labels }, actor }: CommandOf<'settle'>): string[] | undefined =>
  labels?.filter((each) => actor.kind !== 'run' || !isRelaxing(each));

/**
 * Records the actual outcome of an abandoned action, which stays abandoned (I7): the effects of the action in the world
 * are facts, whenever they are reported. It neither charges nor releases anything.
 */
function settleLate(state: LogState, command: CommandOf<'settle'>): Decided {
  const { actionId, marks } = command;
  const labels = labelsOf(command);
  const outcome = labels === undefined ? command.outcome : { ...command.outcome, labels };
  const data = marks === undefined ? outcome : { ...outcome, marks };
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
  const ended = outcome.status === 'completed' ? endsWithLate(state, actionId) : [];
  return ok([{ type: 'OutcomeReportedLate', treeId, runId, grantId, actionId, payload: true, data }, ...ended]);
}

/** Abandons an action of which no client reported whether it happened: its reservation counts as spent. */
export function givenUp(chain: readonly GrantNode[], action: ActionNode, now: number): NewEvent[] {
  const { cost, units } = action.charge;
  const report: Report = { type: 'ActionAbandoned', cost, units, byRun: false };
  const [outcome, ...ended] = settlementUnder(chain, action, report, now);
  return [{ ...(outcome as NewEvent), payload: undefined }, ...ended];
}

/** The reported outcome, and whether the acting run itself reports it. */
export interface Report {
  readonly type: 'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned';
  readonly cost: Amounts;
  readonly units?: Amounts | undefined;
  readonly byRun: boolean;
}

const NOTHING_SPENT: { readonly cost: Amounts; readonly units?: Amounts } = { cost: {} };
const NO_AMOUNTS: Amounts = {};

/**
 * Returns the outcome and the events that it causes. Counts are never released. Money and units are committed as spent,
 * even above the reservation, in which case the grant of the action ends. An ancestor whose cap is reached ends; one
 * whose cap is exceeded is suspended until a person has reviewed it, since a descendant caused that, not its own run. A
 * completion may end leases that state it (`time.endsOn`).
 */
export const settlement = (
  state: LogState,
  action: ActionNode,
  report: Report,
  now: number,
  more: Partial<EventData<'ActionCompleted'>> = {},
): NewEvent[] => {
  const purses = pursesOf(state, action);
  const events = settlementUnder(
    chainOf(state, action.grantId) ?? [],
    action,
    report,
    now,
    more,
    purses,
    state.heldByRun,
  );
  return report.type === 'ActionCompleted' ? [...events, ...endsWith(state, action, events)] : events;
};

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
  purses: readonly PurseNode[] = [],
  held: ReadonlyMap<string, string> = new Map(),
): NewEvent[] {
  const { type, cost, units } = report;
  const overrun = SETTLED.some((kind) =>
    Object.entries(report[kind] ?? NO_AMOUNTS).some(([name, spent]) => spent > (action.charge[kind]?.[name] ?? 0)),
  );
  const leaf = chain[0] as GrantNode;
  const charge = chargeAfter(chain, action, report, now, purses);
  const released = releasedIn(chain, action.charge, charge);
  const findings = SETTLED.flatMap((kind) => findingsOf(kind, chain, report, charge));
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
        ...(units === undefined || Object.keys(units).length === 0 ? {} : { units: { ...units } }),
        ...(overrun ? { overrun } : {}),
        ...(findings.length > 0 ? { findings } : {}),
        ...more,
      },
    },
    ...chain.flatMap((grant, i): NewEvent[] => {
      if (grant.status !== 'active' && grant.status !== 'suspended') return [];
      const { reached, carriedOver } = moneyAfter(
        grant.usage,
        grant.limits.budget,
        released?.[i] ?? action.charge,
        charge,
      );
      if (overrun && grant === leaf) return [exhausted(grant, [...reached, ...carriedOver].sort(), true)];
      if (carriedOver.length > 0) {
        const mayBeResumed = grant.status === 'active' || held.has(grant.id);
        return mayBeResumed ? [suspendedByOverrun(grant, carriedOver)] : [];
      }
      return reached.length > 0 ? [exhausted(grant, reached)] : [];
    }),
  ];
}

/** Returns the charge of an outcome: the counts of the permit, and the money and units that were spent. */
function chargeAfter(
  chain: readonly GrantNode[],
  action: ActionNode,
  report: Report,
  now: number,
  purses: readonly PurseNode[],
): Consumed {
  const { units: _, ...counts } = action.charge;
  const charge = { ...counts, cost: chargedOf('cost', chain, action, report, now, purses) };
  if (report.units === undefined) return charge;
  const units = chargedOf('units', chain, action, report, now, purses);
  return Object.keys(units).length > 0 ? { ...charge, units } : charge;
}

/**
 * I3: returns the charge for reported amounts of a kind. A run's own report can charge its ancestors, and the tenant
 * budgets that it draws from, no more than its lease could still have spent; a report of an enforcement point counts in
 * full. A currency or unit that no grant of the chain names is not charged.
 */
function chargedOf(
  kind: Settled,
  chain: readonly GrantNode[],
  action: ActionNode,
  report: Report,
  now: number,
  purses: readonly PurseNode[],
): Record<string, number> {
  const charged: Record<string, number> = {};
  for (const [name, spent] of Object.entries(report[kind] ?? NO_AMOUNTS)) {
    const held = action.charge[kind]?.[name] ?? 0;
    const room = (): number =>
      Math.min(roomFor(kind, chain, action, name, now), leftInPurses(kind, purses, name, held, now));
    const most = !isNamed(kind, chain, name) ? 0 : report.byRun ? held + room() : spent;
    if (spent <= held || most > 0) charged[name] = Math.min(spent, Math.max(held, most));
  }
  return charged;
}

/** Returns the smallest amount that the chain could still have spent, in addition to its reservation. */
function roomFor(
  kind: Settled,
  chain: readonly GrantNode[],
  { charge, covered }: ActionNode,
  name: string,
  now: number,
): number {
  const held = charge[kind]?.[name] ?? 0;
  const accounts = asSeenBelow(chain);
  const rooms = chain.map((grant, i) => {
    const { usage } = accounts[i] as GrantNode;
    const left = leftOf(kind, usage, grant.limits.budget, name, held, now);
    return covered === undefined ? left : Math.min(left, leftInScopes(grant, covered, kind, name));
  });
  return Math.min(...rooms);
}

const isNamed = (kind: Settled, chain: readonly GrantNode[], name: string): boolean =>
  chain.some(({ limits: { budget } }) => Object.hasOwn(budget[kind] ?? NO_AMOUNTS, name));

type Findings = NonNullable<EventData<'ActionCompleted'>['findings']>;

/** Returns the reported amounts of a kind that were not charged, for the record. */
function findingsOf(kind: Settled, chain: readonly GrantNode[], report: Report, charged: Consumed): Findings {
  return Object.entries(report[kind] ?? NO_AMOUNTS).flatMap(([name, spent]): Findings => {
    const amount = spent - (charged[kind]?.[name] ?? 0);
    if (amount <= 0) return [];
    const isCost = kind === 'cost';
    const unnamed = isCost ? 'CURRENCY_NOT_NAMED' : 'UNIT_NOT_NAMED';
    const code = isNamed(kind, chain, name) ? 'BEYOND_LEASE' : unnamed;
    return [{ code, ...(isCost ? { currency: name } : { unit: name }), amount }];
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
