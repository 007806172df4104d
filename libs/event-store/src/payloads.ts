import type { StoredEvent } from './port';

/** What stands beside the events of these trees, at these positions, and beside earlier erasures of the same person. */
export interface PayloadSelection {
  readonly trees: readonly string[];
  readonly positions: readonly number[];
  readonly subjectRef: string;
  /** exclusive */
  readonly before: number;
}

/** What was opened for a person: how many runs, and in which trees. */
export interface Opened {
  readonly runs: number;
  /** each once */
  readonly trees: readonly string[];
}

/**
 * Erasing what stands beside the events of a log. The events stay as they are, byte for byte. Nothing goes that no
 * recorded erasure reaches: the store looks for the erasure itself, and takes nothing at or after its mark.
 */
export interface Payloads {
  /** Of the runs that were opened for a person before a position; told from their events, however long ago they ended. */
  openedFor(log: string, subjectRef: string, before: number): Promise<Opened>;
  /** how many there are still, by the type of their events */
  count(log: string, beside: PayloadSelection): Promise<Record<string, number>>;
  /**
   * Erases at most `limit` of them, in one commit. What is erased already is not done again.
   * @param erasure position of its event
   * @returns how many there were; fewer than `limit` where none is left
   */
  erase(log: string, erasure: number, beside: PayloadSelection, limit: number): Promise<number>;
  /** The recorded erasures of a log that nobody has said are done; oldest first. */
  unfinished(log: string): Promise<StoredEvent[]>;
  /** Says that an erasure is done: it is not looked for again. */
  finished(log: string, erasure: number): Promise<void>;
  close(): Promise<void>;
}
