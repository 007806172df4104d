import { evolveUnasked } from '#authority/evolve';
import { ruleEvents, WithRules } from '#authority/rule-events';
import { emptyState, type LogState } from '#authority/state';
import { grantView, runView, treeMembers } from '#authority/views';
import { parseEvent, type Event } from '#contracts/event';
import { readStored, type Words } from '#contracts/payload';
import { idOf, tenantName } from '#contracts/primitives';
import type { TreeView } from '#contracts/query';
import type { EventLog } from '#eventlog/port';
import { parseTime } from '#kernel/clock';
import { LIMITS } from '#kernel/limits';
import { z } from 'zod';
import type { LogLedger } from './log-ledger';
import { folded, found, missing, op, reach, refuse } from './op';

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
    if (!ledger?.state.trees.has(treeId)) return missing(treeId);
    if (asked !== undefined && asked >= ledger.position && !(await ledger.reached(asked, REACH_MS)))
      return refuse('NOT_FOUND', `the log has not reached position ${asked} yet`);
    const { eventlog } = backends;
    const { log } = ledger.state;
    const position = asked ?? (await lastBefore(eventlog, log, ledger.position, time as number));
    const [last] = position < 0 ? [] : await eventlog.at(log, [position]);
    if (!last) return missing(treeId);
    const state = await ledger.folding.take(() => foldTree(ledger, eventlog, treeId, position));
    const view = await viewOf(state, eventlog, treeId, position, time ?? (parseTime(last.time) as number));
    return view ? found(view) : missing(treeId);
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

/** The state of one tree, folded from its own events and the revocations that are of no tree; there is no other in it. */
async function foldTree(ledger: LogLedger, eventlog: EventLog, treeId: string, to: number): Promise<LogState> {
  const { log, tenant, n } = folded(ledger);
  const state = emptyState(log, tenant, n);
  const fold = (event: Event): void => {
    state.next = event.position; // of the events of others it has none
    evolveUnasked(state, event);
  };
  const rules = new WithRules(ruleEvents(ledger.state));
  for (let after = -1, more = true; more;) {
    const page = await eventlog.search({ tenant, log, treeId, after, before: to + 1, limit: LIMITS.readBatchEvents });
    for (const { body } of page) {
      const event = parseEvent(body);
      rules.before(event.position).forEach(fold);
      fold(event);
    }
    more = page.length === LIMITS.readBatchEvents;
    after = page.at(-1)?.position ?? after;
  }
  rules.before(to + 1).forEach(fold);
  return state;
}

async function viewOf(
  state: LogState,
  eventlog: EventLog,
  treeId: string,
  position: number,
  now: number,
): Promise<TreeView | undefined> {
  const tree = state.trees.get(treeId);
  if (!tree) return undefined;
  const { runs, grants } = treeMembers(state, tree);
  const opened = await eventlog.at(
    state.log,
    runs.map((run) => run.position),
  );
  const told = new Map(opened.map((stored) => [stored.position, readStored(stored).payload]));
  const words = (at: number): Words => told.get(at) ?? {};
  const root = words(state.runs.get(tree.rootRunId)?.position ?? -1);
  const textsOf = (at: number) => {
    const own = words(at);
    const text = (key: string): string | null =>
      typeof own[key] === 'string' ? own[key] : typeof root[key] === 'string' ? root[key] : null;
    return {
      purpose: text('purpose'),
      requestedBy: text('requestedBy'),
      ...(typeof own.task === 'string' ? { task: own.task } : {}),
    };
  };
  return {
    id: treeId,
    log: state.log,
    position,
    runs: runs.map((run) => runView(state, run, textsOf(run.position), now)),
    grants: grants.map((grant) => grantView(state, grant, now)),
    labels: Object.keys(tree.labels),
  };
}
