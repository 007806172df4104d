import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import { parseTime } from '@bailiwick/core/clock';
import type { EventLog } from '@bailiwick/event-store/port';

/**
 * Returns the last position whose event is not after a time, by binary search: events are in order of their times.
 * Returns -1 if every event is after it.
 * @param head the number of events to search
 */
export async function lastAt(eventlog: Pick<EventLog, 'at'>, log: string, head: number, time: number): Promise<number> {
  let [low, high] = [-1, head - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [stored] = await eventlog.at(log, [middle]);
    // the time in the body is signed, that of the column is not
    const at = stored && parseTime(readWhereReadable(stored)?.event.time ?? stored.time);
    if (at !== undefined && at <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}
