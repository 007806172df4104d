import type { StoredEvent, StoredRow } from '@bailiwick/contracts/events/stored-event';

/**
 * The event log: the ordered events of each log, kept byte for byte. Positions are 0, 1, 2, … with no gap and no reuse
 * (I5): an append names the position that it expects, and of two writers at one position exactly one wins.
 *
 * Guarantees: an append is all or nothing; acknowledged events are durable; reads see whole appends, in order.
 * It does not decide, sign, notify, or interpret a body beyond the columns that it is given.
 */
export interface EventLog {
  /** Creates a log; no-op if it exists. */
  createLog(log: string): Promise<void>;
  listLogs(tenant?: string): Promise<string[]>;
  /** Returns the next position. */
  head(log: string): Promise<number>;
  /** Returns the next position of every log. */
  heads(): Promise<Record<string, number>>;
  /**
   * Appends a batch at the expected position.
   * @param notAfter ms since the epoch, by the clock of the store: a statement that the store executes later, such as
   * after
   * a lock or a pause, writes nothing
   */
  append(
    log: string,
    expectedPosition: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter?: number,
  ): Promise<AppendResult>;
  /** Returns up to `limit` events from `from` on, in order. */
  read(log: string, from: number, limit: number): Promise<StoredEvent[]>;
  /** Reads like `read`, with the columns that repeat members of the bodies, so that callers can compare them. */
  rows(log: string, from: number, limit: number): Promise<StoredRow[]>;
  /** Finds events by the ids in their bodies: a changed column hides nothing. */
  search(filter: SearchFilter): Promise<StoredEvent[]>;
  /** Returns the events at these positions, in order; positions without an event are skipped. */
  at(log: string, positions: readonly number[]): Promise<StoredEvent[]>;
  /** Saves a snapshot atomically, in parts of limited length; an existing one of the same position and fold stays. */
  saveSnapshot(log: string, position: number, foldVersion: number, parts: Iterable<string>): Promise<void>;
  /** Returns the newest snapshot of this fold version at or before a position. */
  latestSnapshot(log: string, foldVersion: number, atOrBefore?: number): Promise<Snapshot | undefined>;
  /**
   * Reports an owner as alive for `ttlMs` by the clock of the store. All its leases depend on it, so that a thousand
   * logs cost no more than one. An owner that was away for longer may return; its roster lacks the logs that others
   * took.
   * @param takes false: the owner keeps its logs and is left out when free logs are distributed
   */
  heartbeat(owner: string, ttlMs: number, takes?: boolean): Promise<Roster>;
  /**
   * Acquires the lease of a log, which states its intended owner. It serves liveness only; epoch and position fence.
   * Returns undefined if a live owner holds the lease, or if the caller itself is not alive.
   *
   * An append that a lease covered is in the log before the lease passes to another owner, or will never be.
   */
  acquireLease(log: string, owner: string): Promise<Lease | undefined>;
  releaseLease(log: string, owner: string): Promise<void>;
  /** Removes an owner: its leases are free at once. */
  leave(owner: string): Promise<void>;
  close(): Promise<void>;
}

export interface AppendEvent {
  readonly position: number;
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  /** JSON text, kept byte for byte */
  readonly body: string;
  /** personal data: JSON text, erasable */
  readonly payload?: string | undefined;
  readonly tenant: string;
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly commandId: string;
}

/**
 * `conflict`: nothing was written, another writer is ahead. `late`: nothing was written, since it is after `notAfter`.
 * `unknown`: the batch may or may not have been written.
 */
export type AppendResult =
  | { readonly ok: true; readonly next: number }
  | { readonly ok: false; readonly reason: 'conflict' | 'fenced' | 'late' | 'unknown'; readonly detail: string };

export interface Fence {
  readonly owner: string;
  readonly epoch: number;
}
export interface Lease {
  readonly epoch: number;
}
/** The response to a heartbeat; a consistent view of the store. */
export interface Roster {
  /** the store's clock at some moment between the request and the response, ms since the epoch */
  readonly now: number;
  /** all live owners that take logs, sorted */
  readonly owners: readonly string[];
  /** leases of this owner, by log */
  readonly held: ReadonlyMap<string, Lease>;
  /** number of logs */
  readonly logs: number;
  /** logs that no live owner holds; at most `LIMITS.freeLogs`, in a different order for each owner */
  readonly free: readonly string[];
}
export interface Snapshot {
  readonly position: number;
  /** read in order, once */
  readonly parts: AsyncIterable<string>;
}
export interface SearchFilter {
  readonly tenant: string;
  readonly log?: string | undefined;
  /** exclusive */
  readonly after?: number | undefined;
  /** exclusive */
  readonly before?: number | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly treeId?: string | undefined;
  /** runs and grants have no index: a search for one names its tree too, or scans the whole log */
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly commandId?: string | undefined;
  readonly limit: number;
  readonly newestFirst?: boolean | undefined;
}
