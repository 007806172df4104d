import type { LogState } from '@bailiwick/authority/state/state';
import { importedAt } from '@bailiwick/authority/presentation/views';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Filter } from '@bailiwick/contracts/queries/search';
import { scan, type Bounds, type Scanned } from './scan';

type Decided = EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>;

const DECISION: Readonly<Record<Decided['type'], string>> = {
  ActionPermitted: 'permitted',
  ActionDenied: 'denied',
  ActionStepUp: 'stepped-up',
};
const DECIDED = Object.keys(DECISION) as Decided['type'][];

export type ActionView = ReturnType<typeof actionView>;

/** Builds the view of an action from its decision event, which contains all of it; the read models have no row for it. */
function actionView({ data, type, ...event }: Decided, state: LogState) {
  const { verb, tool, resource, effect, risk, labels, reasons, charge, agentClass, approvalId, parentActionId } = data;
  const { actionId: id, grantId, runId, treeId, time, position } = event;
  const decision = DECISION[type];
  const { cost, units } = charge;
  return {
    id,
    grantId,
    runId,
    treeId,
    agentClass,
    approvalId,
    parentActionId,
    verb,
    tool,
    resource,
    effect,
    risk,
    decision,
    labels,
    reasons,
    cost,
    ...(units === undefined ? {} : { units }),
    time,
    position,
    ...importedAt(state, position),
  };
}

/**
 * Returns the actions of one log, in order. A page may have fewer actions than `limit` although more follow, because one
 * request reads a bounded number of events.
 * @param status the decision
 */
export async function actionsOf(
  scanned: Scanned,
  state: LogState,
  { status, ...filter }: Filter<'actions'> & { tenant: string; after: number; limit: number },
  bounds?: Bounds,
): Promise<{ items: ActionView[]; next: number | undefined }> {
  const types = status === undefined ? DECIDED : DECIDED.filter((each) => DECISION[each] === status);
  if (types.length === 0) return { items: [], next: undefined };
  const { items, next } = await scan(scanned, state, { ...filter, types }, bounds);
  return { items: items.map(({ event }) => actionView(event as Decided, state)), next };
}
