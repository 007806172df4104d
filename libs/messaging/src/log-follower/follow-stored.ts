import { BUS_LIMITS } from '../bus-limits';
import type { LogReading } from './shared-reading';
import { followLog, type EventSource, type Follower, type FollowOptions } from './follow-log';

/** The connections with which a service follows a log of the event store. */
export interface LogConnections {
  /** `<tenant>/<n>` */
  readonly log: string;
  readonly source: EventSource;
  readonly eventlog: { read: FollowOptions['read'] };
  /** reads the log together with other followers of this process; left out, each reads it for itself */
  readonly reading?: LogReading | undefined;
  readonly warn: (message: string, cause?: unknown) => void;
}

/**
 * Follows a log of the event store for a service: gathers commits into fewer, larger batches under load, and logs each
 * failed step.
 */
export function followStored(
  { log, source, eventlog, reading, warn }: LogConnections,
  { start, handle }: Pick<FollowOptions, 'start' | 'handle'>,
): Follower {
  return followLog({
    log,
    source: reading ?? source,
    read: (name, from, limit) => (reading ?? eventlog).read(name, from, limit),
    ...(reading ? { gather: (ms, signal) => reading.gather(log, ms, signal) } : {}),
    start,
    handle,
    gatherMs: BUS_LIMITS.gatherMs,
    onProblem: ({ where, attempt, error }) => warn(`following ${log}: ${where} failed (attempt ${attempt})`, error),
  });
}
