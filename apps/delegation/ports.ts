/** What the owner needs of the event log; the adapters of `libs/eventlog` have it. */
export interface StoredEventLike {
  readonly log: string;
  readonly position: number;
  readonly type: string;
  readonly time: string;
  readonly body: string;
  readonly payload?: string | null | undefined;
}

export interface OwnerLog {
  append(
    log: string,
    expectedPosition: number,
    events: readonly AppendEvent[],
    fence?: { owner: string; epoch: number },
  ): Promise<{ ok: true } | { ok: false }>;
  read(log: string, from: number, limit: number): Promise<readonly StoredEventLike[]>;
  payloads(log: string, positions: readonly number[]): Promise<ReadonlyMap<number, string | null>>;
  search(filter: {
    tenant: string;
    runId?: string;
    actionId?: string;
    type?: string | readonly string[];
    limit: number;
    newestFirst?: boolean;
  }): Promise<readonly StoredEventLike[]>;
  latestSnapshot(log: string, foldVersion: number): Promise<{ position: number; state: string } | undefined>;
  saveSnapshot(log: string, position: number, foldVersion: number, state: string): Promise<void>;
}

export interface AppendEvent {
  readonly position: number;
  readonly type: string;
  readonly time: string;
  readonly body: string;
  readonly payload?: string | undefined;
  readonly tenant: string;
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly commandId: string;
}
