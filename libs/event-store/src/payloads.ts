import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';

/** Selects the payloads of events in these trees, at these positions, and of earlier erasures of the same person. */
export interface PayloadSelection {
  readonly trees: readonly string[];
  readonly positions: readonly number[];
  readonly subjectRef: string;
  /** exclusive */
  readonly before: number;
}

/** The runs that were opened for a person: their number, and their trees. */
export interface Opened {
  readonly runs: number;
  /** each once */
  readonly trees: readonly string[];
}

/**
 * Erases payloads of a log. The events stay unchanged, byte for byte. Only payloads that a recorded erasure reaches are
 * erased: the store checks the recorded event, and erases nothing at or after its mark.
 */
export interface Payloads {
  /** Finds the runs opened for a person before a position by their events, however long ago they ended. */
  openedFor(log: string, subjectRef: string, before: number): Promise<Opened>;
  /** Counts the selected payloads that still exist, by the type of their event. */
  count(log: string, selection: PayloadSelection): Promise<Record<string, number>>;
  /**
   * Erases at most `limit` of them, in one commit. Payloads that are already erased are skipped.
   * @param erasure position of the event that records the erasure
   * @returns the number of erased payloads; fewer than `limit` if none is left
   */
  erase(log: string, erasure: number, selection: PayloadSelection, limit: number): Promise<number>;
  /** Reports whether the name of a person is recorded in the tenant of a log. */
  hasName(log: string, subjectRef: string): Promise<boolean>;
  /** Erases the name of a person, and keeps it from being recorded again. Repeating it changes nothing. */
  eraseName(log: string, subjectRef: string): Promise<void>;
  /** Lists the recorded erasures of a log that are not marked as done; oldest first. */
  unfinished(log: string): Promise<StoredEvent[]>;
  /** Marks an erasure as done, so that it is not listed again. */
  finished(log: string, erasure: number): Promise<void>;
  close(): Promise<void>;
}
