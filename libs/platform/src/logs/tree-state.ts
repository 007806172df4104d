import { evolveUnasked } from '@bailiwick/authority/events/evolve';
import { ruleEvents, WithRules } from '@bailiwick/authority/revocation/rule-events';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { evolveStored, type StoredBody } from '@bailiwick/authority/state/stored';
import type { Event } from '@bailiwick/contracts/events/event';
import type { EventLog } from '@bailiwick/event-store/port';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * Folds the state of one tree from its own events and the revocations that belong to no tree; the state contains no
 * other tree. The cost depends on the size of the tree, not of the log.
 * @param of the state of its log, whose revocations are folded, too
 * @param to number of events of the log to take into account
 */
export async function treeState(
  of: LogState,
  eventlog: Pick<EventLog, 'search'>,
  treeId: string,
  to = of.next,
): Promise<LogState> {
  const { log, tenant, n } = of;
  const state = Object.assign(emptyState(log, tenant, n), { imported: of.imported });
  const fold = (event: Event): void => {
    state.next = event.position; // events of other trees are absent
    evolveUnasked(state, event);
  };
  const foldStored = (stored: StoredBody): void => {
    state.next = stored.position;
    evolveStored(state, stored, evolveUnasked);
  };
  const rules = new WithRules(ruleEvents(of));
  for (let after = -1, more = true; more;) {
    const page = await eventlog.search({ tenant, log, treeId, after, before: to, limit: LIMITS.readBatchEvents });
    for (const stored of page) {
      rules.before(stored.position).forEach(fold);
      foldStored(stored);
    }
    more = page.length === LIMITS.readBatchEvents;
    after = page.at(-1)?.position ?? after;
  }
  rules.before(to).forEach(fold);
  return state;
}
