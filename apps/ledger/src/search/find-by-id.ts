import type { LogState } from '@bailiwick/authority/state/state';
import type { EventLog } from '@bailiwick/event-store/port';
import { treeState } from '@bailiwick/platform/logs/tree-state';
import type { LogLedger } from '../follower/log-ledger';
import { folded } from '../follower/catch-up';
import type { LedgerStore } from '../read-models/store';

export type Kind = 'run' | 'grant' | 'approval' | 'tree';

const HAS: Readonly<Record<Kind, (state: LogState, id: string) => boolean>> = {
  run: (state, id) => state.runs.has(id),
  grant: (state, id) => state.grants.has(id),
  approval: (state, id) => state.approvals.has(id),
  tree: (state, id) => state.trees.has(id),
};

/** The stores that contain subjects that the state no longer contains. */
export interface Archive {
  readonly eventlog: Pick<EventLog, 'search'>;
  readonly store: Pick<LedgerStore, 'place' | 'roots'>;
}

/**
 * Returns a state that contains a run, grant, approval or tree: the state of the log or, if that dropped the subject
 * after its end, the state of its tree alone, folded from the events of the tree.
 * @returns undefined if the subject does not exist
 * @throws NotYet during a refold, QueueFullError if too many requests wait for archived trees
 */
export async function findState(
  ledger: LogLedger,
  { eventlog, store }: Archive,
  kind: Kind,
  id: string,
): Promise<LogState | undefined> {
  const state = folded(ledger);
  if (HAS[kind](state, id)) return state;
  const row = kind === 'tree' ? (await store.roots(state.log, [id]))[0] : await store.place(state.log, kind, id);
  const treeId = row?.treeId;
  if (treeId === undefined) return undefined;
  const ofTree = await ledger.archivedTrees.take(treeId, () => treeState(folded(ledger), eventlog, treeId));
  return HAS[kind](ofTree, id) ? ofTree : undefined;
}

/** Reports whether a tree exists, in the state or in the archive. */
export async function isTree(
  { state }: LogLedger,
  store: Pick<LedgerStore, 'roots'>,
  treeId: string,
): Promise<boolean> {
  return state.trees.has(treeId) || (await store.roots(state.log, [treeId])).length > 0;
}
