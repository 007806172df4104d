import type { ActionNode, LogState } from '../state/state';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { accountsOf, drawnFrom, purseOf, type PurseNode } from '../state/purses';
import { commit, reserve } from '../state/usage';
import { statesPeriods } from '../state/periods';
import { follows, type Fold } from './follows';

export const tenantBudgetSet: Fold<'TenantBudgetSet'> = ({ purses }, { data, position }, at) => {
  const { name, selector, budget: caps } = data;
  purses.put(purseOf(purses.get(name), { name, selector, caps, position, setAt: at }));
  if (selector.principalRef !== undefined) purses.name(selector.principalRef, position);
};

/** Removes the purse with its usage. A later one of the same name starts empty. */
export const tenantBudgetRemoved: Fold<'TenantBudgetRemoved'> = ({ purses }, { data }) => purses.remove(data.name);

/**
 * Charges a permit to the purses that its event names.
 * @returns their names, which its outcome releases; a fold of one tree alone knows none
 */
export function draw(state: LogState, event: EventOf<'ActionPermitted'>, at: number): readonly string[] | undefined {
  const { tenantBudgets: names, charge, periods } = event.data;
  if (names === undefined) return undefined;
  const drawn = drawnFrom(state, names, event.position);
  follows(statesPeriods(accountsOf([], drawn), at, periods), 'the calendar periods of its tenant budgets', event);
  for (const { usage, budget } of drawn) reserve(usage, budget, charge, at, periods);
  return drawn.length === 0 ? undefined : drawn.map(({ name }) => name);
}

/** Releases the reservation of an action from its purses, and commits the charge in its place. */
export function settleDrawn(state: LogState, action: ActionNode, charge: Consumed, at: number): void {
  for (const purse of pursesOf(state, action))
    commit(purse.usage, purse.budget, action.charge, charge, action.permittedAt, at, action.position);
}

/** Returns the purses that an action in flight reserves in, apart from those that were removed since. */
export const pursesOf = (state: LogState, { purses, position }: ActionNode): readonly PurseNode[] =>
  purses === undefined ? NONE : drawnFrom(state, purses, position);
const NONE: readonly never[] = [];
