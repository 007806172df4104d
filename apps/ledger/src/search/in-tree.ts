import type { LogState } from '@bailiwick/authority/state/state';
import type { EventLog } from '@bailiwick/event-store/port';
import type { LogLedger } from '../follower/log-ledger';
import type { LedgerStore } from '../read-models/store';

interface InTree {
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
}

/**
 * Adds the tree to a filter that names a run or a grant: only the tree has an index. If no ledger knows the run or the
 * grant, it waits for the current end of each log, which may contain it.
 * @returns undefined if the run or the grant does not exist
 */
export async function inTree<F extends InTree>(
  { eventlog, store }: { readonly eventlog: Pick<EventLog, 'head'>; readonly store: Pick<LedgerStore, 'place'> },
  ledgers: readonly LogLedger[],
  filter: F,
): Promise<F | undefined> {
  const { treeId, runId, grantId } = filter;
  if (treeId !== undefined || (runId === undefined && grantId === undefined)) return filter;
  const find = async (): Promise<string | undefined> => {
    const found = await Promise.all(ledgers.map(({ state }) => treeOf(store, state, filter)));
    return found.find((each) => each !== undefined);
  };
  const known = await find();
  if (known !== undefined) return { ...filter, treeId: known };
  await Promise.all(ledgers.map(async (each) => each.reached((await eventlog.head(each.state.log)) - 1)));
  const found = await find();
  return found === undefined ? undefined : { ...filter, treeId: found };
}

/** Returns the tree of a run or a grant from the state, or from its row if the state no longer contains it. */
async function treeOf(
  store: Pick<LedgerStore, 'place'>,
  { log, runs, grants }: LogState,
  { runId, grantId }: InTree,
): Promise<string | undefined> {
  const known = runs.get(runId ?? '') ?? grants.get(grantId ?? '');
  if (known) return known.treeId;
  const run = runId === undefined ? undefined : await store.place(log, 'run', runId);
  const grant = run || grantId === undefined ? undefined : await store.place(log, 'grant', grantId);
  return (run ?? grant)?.treeId;
}
