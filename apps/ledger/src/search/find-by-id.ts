import type { LogState } from '@bailiwick/authority/state/state';
import type { EventLog } from '@bailiwick/event-store/port';
import { treeState } from '@bailiwick/platform/tree-state';
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

/** Where what has been forgotten is found again. */
export interface Memory {
  readonly eventlog: Pick<EventLog, 'search'>;
  readonly store: Pick<LedgerStore, 'place' | 'roots'>;
}

/**
 * A state that knows this run, grant, approval or tree: the log's own, or that of its tree alone, folded from its
 * events, where it ended so long ago that the log's has forgotten it. undefined where there is no such thing.
 * @throws NotYet while the state is being folded anew, Busy where too many ask for what ended long ago
 */
export async function knowing(
  ledger: LogLedger,
  { eventlog, store }: Memory,
  kind: Kind,
  id: string,
): Promise<LogState | undefined> {
  const state = folded(ledger);
  if (HAS[kind](state, id)) return state;
  const row = kind === 'tree' ? (await store.roots(state.log, [id]))[0] : await store.place(state.log, kind, id);
  const treeId = row?.treeId;
  if (treeId === undefined) return undefined;
  const alone = await ledger.archivedTrees.take(treeId, () => treeState(folded(ledger), eventlog, treeId));
  return HAS[kind](alone, id) ? alone : undefined;
}

/** Is there such a tree, or was there once? */
export async function isTree(
  { state }: LogLedger,
  store: Pick<LedgerStore, 'roots'>,
  treeId: string,
): Promise<boolean> {
  return state.trees.has(treeId) || (await store.roots(state.log, [treeId])).length > 0;
}
