import { LIMITS } from '@bailiwick/core/limits';
import type { SnapshotJob } from './snapshot-worker';

/** The delay after a failed snapshot; doubled with each further failure of the same log. */
const RETRY_MS = 30_000;
const RETRY_MOST_MS = 3_600_000;
/**
 * Characters of the snapshot that one new event justifies writing again. The cost of snapshots is thus proportional to
 * the number of events, and the events to fold at a start to the size of the state, which a start has to read anyway.
 */
const CHARS_PER_EVENT = 1_000;
/** A log this many times beyond its interval gets its snapshot at full speed. */
const FAR = 10;

/** The newest snapshot of a log that this process knows, and the failures since. */
export interface Known {
  readonly position: number;
  /** undefined if this process has taken no snapshot of the log */
  readonly chars?: number | undefined;
  readonly failures?: { readonly count: number; readonly at: number } | undefined;
}

/**
 * Selects the log to take a snapshot of: the one that has grown most beyond its interval. A snapshot is not taken at
 * full speed if its cost is unknown or the last attempt failed.
 */
export function mostOverdue(
  heads: Readonly<Record<string, number>>,
  known: ReadonlyMap<string, Known>,
  now: number,
): (Pick<SnapshotJob, 'log' | 'atLeast' | 'hurryFrom'> & { readonly isFar: boolean }) | undefined {
  const due = Object.entries(heads).map(([log, head]) => {
    const { position, chars, failures } = known.get(log) ?? { position: 0 };
    const atLeast = Math.max(LIMITS.snapshotEveryEvents, Math.ceil((chars ?? 0) / CHARS_PER_EVENT));
    const hurryFrom = chars === undefined || failures ? Infinity : FAR * atLeast;
    const waits = failures && now < failures.at + Math.min(RETRY_MS * 2 ** (failures.count - 1), RETRY_MOST_MS);
    const isFar = head - position >= hurryFrom;
    return { log, atLeast, hurryFrom, isFar, over: waits ? 0 : (head - position) / atLeast };
  });
  return due.filter(({ over }) => over >= 1).sort((a, b) => b.over - a.over)[0];
}
