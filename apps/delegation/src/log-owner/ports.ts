import type { EventLog } from '@bailiwick/event-store/port';

/** What the owner needs of the event log. Leases are not its business. */
export type OwnerLog = Pick<EventLog, 'append' | 'read' | 'at' | 'search' | 'latestSnapshot'>;
