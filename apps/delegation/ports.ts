import type { EventLog } from '#eventlog/port';

/** What the owner needs of the event log. Leases are not its business. */
export type OwnerLog = Pick<EventLog, 'append' | 'read' | 'at' | 'search' | 'latestSnapshot'>;
