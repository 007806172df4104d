/**
 * The event log: the ordered events of each log, kept byte for byte. Positions are 0, 1, 2, … with no gap and no reuse
 * (I5): an append names the position it expects, and of two writers at one position exactly one wins.
 *
 * Guarantees: an append is all or nothing; what it acknowledged is durable; reads see whole appends, in order.
 * Does not: decide, sign, notify anyone, or know what is in a body beyond the columns it is given.
 */
export interface EventLog {
  /** Makes a log known; no-op where it is. */
  createLog(log: string): Promise<void>;
  listLogs(tenant?: string): Promise<string[]>;
  /** The next position. */
  head(log: string): Promise<number>;
  /** The next position of every log. */
  heads(): Promise<Record<string, number>>;
  /**
   * @param notAfter ms since the epoch, by the store's own clock: a statement that the store comes to later than this,
   * such as after a lock or a pause, writes nothing
   */
  append(
    log: string,
    expectedPosition: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter?: number,
  ): Promise<AppendResult>;
  /** Up to `limit` events from `from` on, in order. */
  read(log: string, from: number, limit: number): Promise<StoredEvent[]>;
  /** As `read`, with the columns that repeat what the bodies hold: for whoever compares them. */
  rows(log: string, from: number, limit: number): Promise<StoredRow[]>;
  /** What an event is about is looked up in its body: a column beside it that was changed hides nothing. */
  search(filter: SearchFilter): Promise<StoredEvent[]>;
  /** The events at these positions, in order; absent where there is none. */
  at(log: string, positions: readonly number[]): Promise<StoredEvent[]>;
  /** Whole or not at all, in parts, since a text holds only so much; one of the same position and fold stays. */
  saveSnapshot(log: string, position: number, foldVersion: number, parts: Iterable<string>): Promise<void>;
  /** The newest snapshot of this fold version at or before a position. */
  latestSnapshot(log: string, foldVersion: number, atOrBefore?: number): Promise<Snapshot | undefined>;
  /**
   * Says that an owner is there, for so long by the store's own clock: all its leases stand and fall with it, so that a
   * thousand logs cost no more than one. Who was away for longer may come back; what another took meanwhile is not in
   * its roster.
   * @param takes false: it keeps what it holds, and logs are shared out without it
   */
  heartbeat(owner: string, ttlMs: number, takes?: boolean): Promise<Roster>;
  /**
   * The lease of a log: says who should own it. Only liveness; what fences is the epoch and the position. undefined
   * where an owner that is there holds it, or where the one who asks is not there itself.
   *
   * An append that a lease covered is in the log before the lease goes to another, or never will be.
   */
  acquireLease(log: string, owner: string): Promise<Lease | undefined>;
  releaseLease(log: string, owner: string): Promise<void>;
  /** An owner that goes: its leases are free at once. */
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
  /** personal data beside the event: JSON text, erasable */
  readonly payload?: string | undefined;
  readonly tenant: string;
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly commandId: string;
}

export interface StoredEvent {
  readonly log: string;
  readonly position: number;
  readonly type: string;
  readonly time: string;
  readonly body: string;
  readonly payload?: string | null;
}

/** An event with every column of its row. */
export interface StoredRow extends StoredEvent {
  readonly columns: Columns;
}
/** The columns that repeat members of the body of the same name; null where it has none. */
export type Columns = Readonly<Record<RepeatedColumn, string | null>>;
export const REPEATED = ['tenant', 'treeId', 'runId', 'grantId', 'actionId', 'commandId'] as const;
export type RepeatedColumn = (typeof REPEATED)[number];

/**
 * `conflict`: nothing was written, somebody else is ahead. `late`: nothing was written, it is after `notAfter`.
 * `unknown`: it cannot be told whether it was.
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
/** What an owner learns by its heartbeat; one moment of the store. */
export interface Roster {
  /** the store's clock at some moment between the question and its answer, ms since the epoch */
  readonly now: number;
  /** all that are there and take logs, sorted */
  readonly owners: readonly string[];
  /** what this owner holds, by log */
  readonly held: ReadonlyMap<string, Lease>;
  /** how many logs there are */
  readonly logs: number;
  /** logs that nobody who is there holds; at most `LIMITS.freeLogs` of them, in another order for each owner */
  readonly free: readonly string[];
}
export interface Snapshot {
  readonly position: number;
  /** read one after the other, once */
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
  /** there is no index of runs and grants: who names one names its tree too, or looks through the whole log */
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly commandId?: string | undefined;
  readonly limit: number;
  readonly newestFirst?: boolean | undefined;
}
