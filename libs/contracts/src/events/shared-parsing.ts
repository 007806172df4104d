import { err, ok, type Result } from '@bailiwick/core/result';
import { parseEvent, type Event } from './event';
import type { StoredEvent } from './stored-event';

interface Cell {
  read?: Result<Event, unknown>;
}

/** The events that several readers of this process parse once; an entry lives as long as its stored event. */
const cells = new WeakMap<object, Cell>();

/**
 * Has all readers of these stored events share one parsing of each. What they share is frozen: a reader that changed it
 * would change what the other reads, and fails instead.
 */
export function shareParsing(events: readonly StoredEvent[]): void {
  for (const event of events) cells.set(event, {});
}

/** Parses the body of a stored event, or returns the reason why it cannot be read. */
export function readStoredEvent(stored: Pick<StoredEvent, 'body'>): Result<Event, unknown> {
  const cell = cells.get(stored);
  if (!cell) return read(stored.body);
  if (!cell.read) {
    cell.read = read(stored.body);
    if (cell.read.ok) deepFreeze(cell.read.value);
  }
  return cell.read;
}

function read(body: string): Result<Event, unknown> {
  try {
    return ok(parseEvent(body));
  } catch (error) {
    return err(error);
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
}
