import { isBoundary, type CommandOf } from '@bailiwick/contracts/commands/command';
import { foldSpaces } from '@bailiwick/core/look-alike';
import { ok } from '@bailiwick/core/result';
import { release } from '../../events/action-events';
import { pursesOf } from '../../events/budget-events';
import { chainOf, current, type ActionNode, type LogState } from '../../state/state';
import { nothing } from '../../state/usage';
import { refuse, type Decided, type NewEvent } from '../types';
import { settlement } from './settle-action';

/**
 * Decides a call that continues another one, whose permit it takes over: the call is in flight, and must be decided again
 * before it continues. It is judged as if the other permit had ended without cost, so that a budget for one call admits it,
 * and what that reserved is released only by the append that charges the next permit. A denial leaves the other permit in
 * flight: what was done under it is charged by its own outcome, or when it is abandoned.
 */
export function replacing(
  state: LogState,
  { actor, replaces, grantId, action }: CommandOf<'authorize'>,
  now: number,
  decide: () => Decided,
): Decided {
  if (replaces === undefined) return decide();
  if (!isBoundary(actor)) return refuse('FORBIDDEN', 'only the boundary continues a call under another permit');
  const old = state.actions.get(replaces);
  if (!old) return decide(); // it has its outcome, which nothing takes back
  // a lease that has taken the place of another one continues its calls
  const isOfLease = current(state, old.grantId)?.id === current(state, grantId)?.id;
  if (!isOfLease || old.tool !== (action.tool && foldSpaces(action.tool)))
    return refuse('FORBIDDEN', `permit ${replaces} is for another lease or tool`);
  const decided = asIfEnded(state, old, now, decide);
  const isPermitted = decided.ok && decided.value.some(({ type }) => type === 'ActionPermitted');
  if (!isPermitted) return decide();
  // both are in one append: a crash before it leaves the old permit to be abandoned and charged, and after it the new one
  return ok([...endedWithoutCost(state, old, now), ...decided.value]);
}

/** The outcome of the permit that is taken over; its text stays that of the next one. */
const endedWithoutCost = (state: LogState, old: ActionNode, now: number): NewEvent[] =>
  settlement(state, old, { type: 'ActionFailed', cost: {}, byRun: false }, now).map((event) => ({
    ...event,
    payload: undefined,
  }));

/** Decides with the accounts as they are once an action has ended without cost, and then puts them back. */
function asIfEnded<T>(state: LogState, action: ActionNode, now: number, decide: () => T): T {
  const chain = chainOf(state, action.grantId) ?? [];
  const accounts = [...chain, ...pursesOf(state, action)];
  const tree = state.trees.get(action.treeId);
  const before = accounts.map((each) => ({ each, usage: each.usage }));
  const { sending } = tree ?? {};
  for (const { each, usage } of before) Object.assign(each, { usage: structuredClone(usage) });
  try {
    release(state, action, { ...nothing(), ...action.charge, cost: {}, units: undefined }, now);
    return decide();
  } finally {
    for (const { each, usage } of before) Object.assign(each, { usage });
    if (tree) Object.assign(tree, { sending });
    if (chain[0]) chain[0].inFlight += 1;
  }
}
