import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';

/** An event as the driver returns it: a bigint as text, a time as a date. */
export interface EventRow extends Omit<StoredEvent, 'position' | 'time'> {
  readonly position: string;
  readonly time: Date;
}

/** The columns of an `EventRow` in a SELECT. */
export const EVENT_COLUMNS = 'log, position, type, time, body::text AS body, payload::text AS payload';

export const toStoredEvent = ({ log, position, type, time, body, payload }: EventRow): StoredEvent => ({
  log,
  position: Number(position),
  type,
  time: time.toISOString(),
  body,
  payload,
});
