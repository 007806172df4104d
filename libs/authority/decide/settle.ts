import type { EventData } from '#contracts/event';
import type { Consumed } from '#contracts/grant';
import { ok } from '#kernel/result';
import { chainOf, type ActionNode, type GrantNode, type LogState } from '../state';
import { moneyReached } from '../usage';
import { exhausted } from './authorize';
import { actsForAnother, notFound, refuse, type Decide, type NewEvent } from './types';

/** I7: a permit ends in exactly one outcome. What it cost is counted even where it is more than was reserved (I3). */
export const settle: Decide<'settle'> = (state, command) => {
  const action = state.actions.get(command.actionId);
  if (!action) {
    const done = state.settled.get(command.actionId);
    if (!done || actsForAnother(command, done.runId)) return notFound('permitted action', command.actionId);
    return refuse(
      'ALREADY_SETTLED',
      `action ${command.actionId} is ${done.status} already; an outcome is reported once`,
    );
  }
  if (actsForAnother(command, action.runId)) return notFound('permitted action', command.actionId);
  const { status, cost, effects, resultDigest, labels } = command.outcome;
  const unknownCost = status === 'completed' ? action.charge.cost : {};
  return ok(
    settlement(state, action, status === 'completed' ? 'ActionCompleted' : 'ActionFailed', cost ?? unknownCost, {
      ...(effects === undefined ? {} : { effects }),
      ...(resultDigest === undefined ? {} : { resultDigest }),
      ...(labels === undefined ? {} : { labels }),
    }),
  );
};

/**
 * The outcome and whatever it ends. Counts are never given back; money is committed as spent, above what was reserved
 * too, and then the grant ends.
 */
export function settlement(
  state: LogState,
  action: ActionNode,
  type: 'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned',
  cost: Record<string, number>,
  more: Partial<EventData<'ActionCompleted'>>,
): NewEvent[] {
  const overrun = Object.entries(cost).some(([currency, spent]) => spent > (action.charge.cost[currency] ?? 0));
  const charge: Consumed = { ...action.charge, cost };
  const chain = chainOf(state, action.grantId) ?? [];
  const leaf = chain[0] as GrantNode;
  const ended = chain.flatMap((grant): NewEvent[] => {
    if (grant.status !== 'active' && grant.status !== 'suspended') return [];
    const caps = moneyReached(grant.usage, grant.limits.budget, charge);
    const over = overrun && grant === leaf;
    return caps.length > 0 || over ? [exhausted(grant, caps, over)] : [];
  });
  return [
    {
      type,
      treeId: action.treeId,
      runId: action.runId,
      grantId: leaf.id,
      actionId: action.id,
      payload: true,
      data: { charge, cost, ...(overrun ? { overrun } : {}), ...more },
    },
    ...ended,
  ];
}
