import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseTime } from '@bailiwick/core/clock';
import { treeState } from '@bailiwick/platform/tree-state';
import { showTree } from '@bailiwick/platform/words/views';
import { z } from 'zod';
import { isTree } from '../search/find-by-id';
import { folded, found, missing, op, reach, refuse } from '../operations/operation';

/** How long a position that is not there yet is waited for. */
const REACH_MS = 2_000;

/** A tree as it was after a position, or at a time: as much is read as the tree is large, not the log. */
export const treeAt = op(
  z.strictObject({ tenant: tenantName, treeId: idOf('tree'), at: z.string().max(40) }),
  async (backends, { tenant, treeId, at }) => {
    const time = parseTime(at);
    const asked = /^\d{1,15}$/.test(at) ? Number(at) : undefined;
    if (time === undefined && asked === undefined)
      return refuse('BAD_REQUEST', 'at must be a position or an RFC 3339 time');
    const ledger = await reach(backends, tenant, treeId, undefined);
    if (!ledger || !(await isTree(ledger, backends.store, treeId))) return missing(treeId);
    if (asked !== undefined && asked >= ledger.position && !(await ledger.reached(asked, REACH_MS)))
      return refuse('NOT_FOUND', `the log has not reached position ${asked} yet`);
    const { eventlog } = backends;
    const { log } = ledger.state;
    const position = asked ?? (await lastBefore(eventlog, log, ledger.position, time as number));
    const [last] = position < 0 ? [] : await eventlog.at(log, [position]);
    if (!last) return missing(treeId);
    const state = await ledger.folding.take(() => treeState(folded(ledger), eventlog, treeId, position + 1));
    const view = await showTree(eventlog, state, treeId, time ?? (parseTime(last.time) as number));
    return view ? found({ ...view, position }) : missing(treeId);
  },
);

/** The last position of which the event is not after a time: events are in the order of their times. */
async function lastBefore(eventlog: EventLog, log: string, head: number, time: number): Promise<number> {
  let [low, high] = [-1, head - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [event] = await eventlog.at(log, [middle]);
    if (event && (parseTime(event.time) as number) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}
