import { evolve } from '#authority/evolve';
import { FOLD_VERSION, SnapshotReader, toParts } from '#authority/snapshot';
import { emptyState, type LogState } from '#authority/state';
import { parseEvent } from '#contracts/event';
import type { EventLog, Snapshot } from '#eventlog/port';
import { parseLogName } from '#kernel/ids';
import { LIMITS } from '#kernel/limits';

type Reading = Pick<EventLog, 'read' | 'latestSnapshot'>;
export type Warn = (message: string, cause?: unknown) => void;

/**
 * The state at the end of a log, or after its first `to` events: newest snapshot, then the events after it.
 * @throws where the log does not fold
 */
export async function loadState(log: string, eventlog: Reading, warn: Warn, to = Infinity): Promise<LogState> {
  const { tenant, n } = parseLogName(log);
  const saved = await eventlog.latestSnapshot(log, FOLD_VERSION, to === Infinity ? undefined : to);
  const state = (saved && (await unpacked(saved, warn))) ?? emptyState(log, tenant, n);
  for (;;) {
    const wanted = Math.min(LIMITS.readBatchEvents, to - state.next);
    const events = wanted > 0 ? await eventlog.read(log, state.next, wanted) : [];
    for (const event of events) evolve(state, parseEvent(event.body));
    if (events.length < LIMITS.readBatchEvents) return state;
  }
}

/** A snapshot saves time and is no truth: where it cannot be read, the log is. */
async function unpacked({ parts }: Snapshot, warn: Warn): Promise<LogState | undefined> {
  try {
    const reader = new SnapshotReader();
    for await (const part of parts) reader.add(part);
    return reader.done();
  } catch (error) {
    warn('a snapshot cannot be read; the log is folded from its beginning', error);
    return undefined;
  }
}

/**
 * Folds a log and saves what it comes to, so that the next start folds less. It asks nothing of the log's owner.
 * @returns the position of the snapshot
 */
export async function takeSnapshot(
  log: string,
  eventlog: Reading & Pick<EventLog, 'saveSnapshot'>,
  warn: Warn,
): Promise<number> {
  const state = await loadState(log, eventlog, warn);
  await eventlog.saveSnapshot(log, state.next, FOLD_VERSION, toParts(state));
  return state.next;
}
