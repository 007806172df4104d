import { FOLD_VERSION, SnapshotReader, toParts } from '@bailiwick/authority/state/snapshot';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { evolveStored } from '@bailiwick/authority/state/stored';
import type { EventLog, Snapshot } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';

type Reading = Pick<EventLog, 'read' | 'latestSnapshot'>;
export type Warn = (message: string, cause?: unknown) => void;

/** How background work yields to requests: in small pieces, with a pause after each. */
export interface Pace {
  /** per piece */
  readonly events: number;
  readonly pause: () => Promise<void>;
}
export const atOnce = (): Pace => ({ events: LIMITS.readBatchEvents, pause: () => Promise.resolve() });

/**
 * Loads the state at the end of a log, or after its first `to` events: newest snapshot, then the events after it.
 * An event that cannot be read is set aside with its tree.
 * @throws if the log has a gap
 */
export async function loadState(
  log: string,
  eventlog: Reading,
  warn: Warn,
  to = Infinity,
  pace = atOnce(),
): Promise<LogState> {
  const { tenant, n } = parseLogName(log);
  const saved = await eventlog.latestSnapshot(log, FOLD_VERSION, to === Infinity ? undefined : to);
  const state = (saved && (await unpacked(saved, warn, pace))) ?? emptyState(log, tenant, n);
  for (;;) {
    const wanted = Math.min(pace.events, to - state.next);
    const events = wanted > 0 ? await eventlog.read(log, state.next, wanted) : [];
    for (const event of events) evolveStored(state, event);
    if (events.length < pace.events) return state;
    await pace.pause();
  }
}

/** Unpacks a snapshot; undefined if it cannot be read, since the log is the source of truth. */
async function unpacked({ parts }: Snapshot, warn: Warn, { pause }: Pace): Promise<LogState | undefined> {
  try {
    const reader = new SnapshotReader();
    for await (const part of parts) {
      reader.add(part);
      await pause();
    }
    return reader.done();
  } catch (error) {
    warn('a snapshot cannot be read; the log is folded from its beginning', error);
    return undefined;
  }
}

export interface SnapshotTaken {
  readonly position: number;
  /** size, which determines the cost of taking and reading it */
  readonly chars: number;
}

/**
 * Folds a log up to its current end and saves a snapshot, so that the next start folds less. It sends no request to the
 * log's owner. Events appended during the fold are left to the next snapshot: on a log that grows as fast as it is
 * folded it would not end.
 */
export async function takeSnapshot(
  log: string,
  eventlog: Reading & Pick<EventLog, 'head' | 'saveSnapshot'>,
  warn: Warn,
  pace = atOnce(),
): Promise<SnapshotTaken> {
  const state = await loadState(log, eventlog, warn, await eventlog.head(log), pace);
  let chars = 0;
  const parts = function* (): Generator<string> {
    for (const part of toParts(state)) {
      chars += part.length;
      yield part;
    }
  };
  await eventlog.saveSnapshot(log, state.next, FOLD_VERSION, parts()); // without a pause: it is one transaction
  return { position: state.next, chars };
}
