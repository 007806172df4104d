import { parseEvent, type EventOf } from '#contracts/event';
import type { EventLog } from '#eventlog/port';
import { LIMITS } from '#kernel/limits';
import type { ItemFilter, Place } from './store';

type Decided = EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>;

const DECISION: Readonly<Record<Decided['type'], string>> = {
  ActionPermitted: 'permitted',
  ActionDenied: 'denied',
  ActionStepUp: 'stepped-up',
};
const DECIDED = Object.keys(DECISION) as Decided['type'][];

export type ActionView = ReturnType<typeof actionView>;

/** An action as it was decided. Its event tells all of it, so no row of the read models repeats it. */
function actionView({ data, type, ...event }: Decided) {
  const { verb, tool, resource, effect, risk, labels, reasons, charge } = data;
  const { actionId: id, grantId, runId, treeId, time, position } = event;
  const decision = DECISION[type];
  const { cost } = charge;
  return {
    id,
    grantId,
    runId,
    treeId,
    verb,
    tool,
    resource,
    effect,
    risk,
    decision,
    labels,
    reasons,
    cost,
    time,
    position,
  };
}

/**
 * The actions of some logs of a tenant, in the order of the logs and their positions. A page may hold fewer than asked
 * for although there are more: then as many were looked at as one question may.
 * @param logs sorted
 * @param most how many are looked at, where it does not say itself what to look at
 * @returns `next`: behind which place the next page begins; undefined where nothing follows
 */
export async function actionsOf(
  eventlog: EventLog,
  logs: readonly string[],
  { status, agentClass, after, limit, ...filter }: ItemFilter,
  most: number = LIMITS.actionsSeen,
): Promise<{ items: ActionView[]; next: Place | undefined }> {
  const type = status === undefined ? DECIDED : DECIDED.filter((each) => DECISION[each] === status);
  const items: ActionView[] = [];
  const step = agentClass === undefined ? limit + 1 : Math.min(LIMITS.eventsPageMax, most);
  let at = after;
  let seen = 0;
  for (const log of logs.filter((each) => type.length > 0 && each >= (after?.log ?? ''))) {
    for (let more = true; more;) {
      const behind = at?.log === log ? at.position : -1;
      const found = await eventlog.search({ ...filter, log, after: behind, type, limit: step });
      for (const { body } of found) {
        const event = parseEvent(body) as Decided;
        const wanted = agentClass === undefined || event.data.agentClass === agentClass;
        if (wanted && items.length === limit) return { items, next: at };
        if (wanted) items.push(actionView(event));
        at = { log, position: event.position, id: event.actionId ?? event.id };
      }
      more = found.length === step;
      seen += found.length;
      if (more && seen >= most) return { items, next: at };
    }
  }
  return { items, next: undefined };
}
