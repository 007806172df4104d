import type { Rules } from '@bailiwick/authority/commands/types';
import type { Clock, Timer } from '@bailiwick/core/clock';
import type { EventLog, Fence } from '@bailiwick/event-store/port';
import type { Announcement } from '@bailiwick/messaging/commit-message';

/** The part of the event log that an owner uses. Leases are managed by `Leases`. */
export type OwnerLog = Pick<EventLog, 'append' | 'read' | 'at' | 'search' | 'latestSnapshot'>;

export interface OwnerOptions {
  readonly log: string;
  readonly eventlog: OwnerLog;
  readonly rules: Rules;
  readonly clock: Clock;
  /** the store's clock as known to this process; deadlines refer to it. Defaults to `clock` */
  readonly storeClock?: Clock;
  /** measures the length of a time slice. Defaults to the system's monotonic clock */
  readonly elapsed?: Clock;
  /** wakes an owner that waits for commands. Defaults to the system's timer */
  readonly timer?: Timer;
  /** called after each commit; the announcement may be lost, because followers also poll the log */
  readonly publish: (commit: Announcement) => void;
  readonly warn: (message: string, cause?: unknown) => void;
  /** proves to the store that this owner still holds the log's lease */
  readonly fence?: Fence;
}
