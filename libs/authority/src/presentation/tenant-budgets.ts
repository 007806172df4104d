import type { TenantBudgetView } from '@bailiwick/contracts/budgets/tenant-budget';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import { rfc3339 } from '@bailiwick/core/clock';
import type { PurseNode } from '../state/purses';
import type { LogState } from '../state/state';
import { windowUsed } from '../state/usage';
import type { PayloadReader } from './payload-reader';
import { usedUp } from './views';

type Bare = Omit<TenantBudgetView, 'setBy'>;

/**
 * Builds the views of tenant budgets, with the names of their principals from the payloads. The state is read
 * synchronously when the function is called.
 * @param name only this one, if it exists
 */
export async function showBudgets(
  reader: PayloadReader,
  state: LogState,
  name: string | undefined,
  now: number,
): Promise<TenantBudgetView[]> {
  const { log } = state;
  const bare = [...state.purses.values()].filter((purse) => name === undefined || purse.name === name).map(bareOf(now));
  if (bare.length === 0) return [];
  const positions = bare.map(({ position }) => position);
  const stored = new Map((await reader.at(log, positions)).map((each) => [each.position, readWhereReadable(each)]));
  return bare.map((view) => {
    const read = stored.get(view.position);
    const { principal } = read?.payload ?? {};
    const who =
      view.selector.principalRef === undefined ? {} : { principal: typeof principal === 'string' ? principal : null };
    return { ...view, selector: { ...view.selector, ...who }, ...(read ? { setBy: read.event.actor.id } : {}) };
  });
}

const bareOf =
  (now: number) =>
  ({ name, selector, caps, budget, usage, position, setAt }: PurseNode): Bare => ({
    name,
    selector,
    budget: caps,
    consumed: usedUp({ usage }),
    reserved: structuredClone(usage.reserved),
    windows: budget.windows.map((window, i) => ({
      per: window.per,
      consumed: windowUsed(usage.windows[i]?.buckets ?? [], window, now),
    })),
    setAt: rfc3339(setAt),
    position,
  });
