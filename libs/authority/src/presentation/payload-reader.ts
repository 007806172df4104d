import { readWhereReadable, type Words } from '@bailiwick/contracts/events/payload';

/** A stored event as read from a log; its payload is null or absent if it was erased or never existed. */
export interface StoredText {
  readonly position: number;
  readonly body: string;
  readonly payload?: string | null;
}

/**
 * The port through which views read payloads; the event log implements it. Payloads are read for each response, so
 * that erased ones disappear at once.
 */
export interface PayloadReader {
  /** Returns the events at these positions, in order; positions without an event are skipped. */
  at(log: string, positions: readonly number[]): Promise<readonly StoredText[]>;
  /** Finds events by the ids in their bodies; `before` is exclusive. */
  search(filter: {
    readonly tenant: string;
    readonly treeId?: string | undefined;
    readonly runId?: string | undefined;
    readonly actionId?: string | undefined;
    readonly type: string | readonly string[];
    readonly before?: number | undefined;
    readonly limit: number;
    readonly newestFirst?: boolean | undefined;
  }): Promise<readonly StoredText[]>;
}

/** Reads the payloads at these positions; empty if erased, or not the one that the event identifies. */
export async function payloadsAt(
  reader: PayloadReader,
  log: string,
  positions: readonly number[],
): Promise<(position: number | undefined) => Words> {
  const found = new Map(
    (await reader.at(log, positions)).map((stored) => [stored.position, readWhereReadable(stored)?.payload ?? null]),
  );
  return (position) => (position === undefined ? undefined : found.get(position)) ?? {};
}
