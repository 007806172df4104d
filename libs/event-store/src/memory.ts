import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { StoredEvent, StoredRow } from '@bailiwick/contracts/events/stored-event';
import type { AppendEvent, AppendResult, EventLog, Fence, Lease, Roster, SearchFilter, Snapshot } from './port';
import { checkBatch } from './check-batch';

type Kept = StoredEvent & Omit<AppendEvent, 'payload'> & { readonly inBody: Record<string, unknown> };

/** The event log in memory, for tests. It passes the same contract suite as the PostgreSQL adapter. */
export class MemoryEventLog implements EventLog {
  private readonly logs = new Map<string, Kept[]>();
  /** by log and fold version, the newest first */
  private readonly snapshots = new Map<string, { position: number; parts: string[] }[]>();
  private readonly leases = new Map<string, { owner: string | undefined; epoch: number }>();
  private readonly owners = new Map<string, { until: number; takes: boolean }>();

  /** @param wall the clock that `notAfter` is compared with */
  constructor(
    private readonly now: () => number = () => systemClock.now(),
    private readonly wall: () => number = now,
  ) {}

  createLog(log: string): Promise<void> {
    if (!this.logs.has(log)) this.logs.set(log, []);
    return Promise.resolve();
  }

  listLogs(tenant?: string): Promise<string[]> {
    return Promise.resolve(
      [...this.logs.keys()].filter((log) => tenant === undefined || log.startsWith(`${tenant}/`)).sort(),
    );
  }

  head(log: string): Promise<number> {
    return Promise.resolve(this.logs.get(log)?.length ?? 0);
  }

  heads(): Promise<Record<string, number>> {
    return Promise.resolve(Object.fromEntries([...this.logs].map(([log, events]) => [log, events.length])));
  }

  append(
    log: string,
    expectedPosition: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter = Infinity,
  ): Promise<AppendResult> {
    // an exception becomes a rejection, as in the PostgreSQL adapter
    return new Promise((resolve) => resolve(this.appendNow(log, expectedPosition, events, fence, notAfter)));
  }

  private appendNow(
    log: string,
    expectedPosition: number,
    events: readonly AppendEvent[],
    fence: Fence | undefined,
    notAfter: number,
  ): AppendResult {
    checkBatch(expectedPosition, events);
    const kept = this.logs.get(log);
    if (!kept) return { ok: false, reason: 'conflict', detail: `no log ${log}` };
    const lease = this.leases.get(log);
    if (fence && (lease?.owner !== fence.owner || lease.epoch !== fence.epoch)) {
      return { ok: false, reason: 'fenced', detail: `${log} is owned by another` };
    }
    if (kept.length !== expectedPosition) {
      return { ok: false, reason: 'conflict', detail: `${log} is at ${kept.length}, not ${expectedPosition}` };
    }
    if (this.wall() > notAfter) return { ok: false, reason: 'late', detail: `the append reached ${log} too late` };
    for (const event of events) {
      const inBody = (JSON.parse(event.body) ?? {}) as Record<string, unknown>;
      kept.push({ ...event, log, payload: event.payload ?? null, inBody });
    }
    return { ok: true, next: kept.length };
  }

  read(log: string, from: number, limit: number): Promise<StoredEvent[]> {
    return Promise.resolve((this.logs.get(log) ?? []).slice(from, from + limit).map(stored));
  }

  async rows(log: string, from: number, limit: number): Promise<StoredRow[]> {
    const kept = this.logs.get(log) ?? [];
    return (await this.read(log, from, limit)).map((event, i) => {
      const {
        tenant,
        treeId = null,
        runId = null,
        grantId = null,
        actionId = null,
        commandId,
      } = kept[from + i] as Kept;
      return { ...event, columns: { tenant, treeId, runId, grantId, actionId, commandId } };
    });
  }

  search(filter: SearchFilter): Promise<StoredEvent[]> {
    const types = typeof filter.type === 'string' ? [filter.type] : filter.type;
    const wanted = (['treeId', 'runId', 'grantId', 'actionId', 'commandId'] as const).filter(
      (key) => filter[key] !== undefined,
    );
    const isNarrow = filter.treeId !== undefined || filter.actionId !== undefined;
    const found = [...this.logs.values()]
      .flat()
      .filter(
        (event) =>
          event.tenant === filter.tenant &&
          (filter.log === undefined || event.log === filter.log) &&
          (filter.after === undefined || event.position > filter.after) &&
          (filter.before === undefined || event.position < filter.before) &&
          (types === undefined || types.includes(isNarrow ? (event.inBody.type as string) : event.type)) &&
          wanted.every((key) => event.inBody[key] === filter[key]),
      );
    found.sort((a, b) => (a.log === b.log ? a.position - b.position : a.log < b.log ? -1 : 1));
    if (filter.newestFirst) found.reverse();
    return Promise.resolve(found.slice(0, filter.limit).map(stored));
  }

  at(log: string, positions: readonly number[]): Promise<StoredEvent[]> {
    const wanted = new Set(positions);
    return Promise.resolve((this.logs.get(log) ?? []).filter((event) => wanted.has(event.position)).map(stored));
  }

  saveSnapshot(log: string, position: number, foldVersion: number, parts: Iterable<string>): Promise<void> {
    const key = `${log}@${foldVersion}`;
    const saved = this.snapshots.get(key) ?? [];
    if (!saved.some((each) => each.position === position)) saved.push({ position, parts: [...parts] });
    this.snapshots.set(key, saved.sort((a, b) => b.position - a.position).slice(0, LIMITS.snapshotsKept));
    return Promise.resolve();
  }

  latestSnapshot(log: string, foldVersion: number, atOrBefore = Infinity): Promise<Snapshot | undefined> {
    const found = this.snapshots.get(`${log}@${foldVersion}`)?.find((each) => each.position <= atOrBefore);
    return Promise.resolve(found && { position: found.position, parts: oneByOne(found.parts) });
  }

  heartbeat(owner: string, ttlMs: number, takes = true): Promise<Roster> {
    this.owners.set(owner, { until: this.now() + ttlMs, takes });
    const held = [...this.leases].filter(([, lease]) => lease.owner === owner);
    return Promise.resolve({
      now: this.wall(),
      owners: [...this.owners]
        .filter(([name, { takes }]) => takes && this.isAlive(name))
        .map(([name]) => name)
        .sort(),
      held: new Map(held.map(([log, { epoch }]) => [log, { epoch }])),
      logs: this.logs.size,
      free: [...this.logs.keys()].filter((log) => this.isFree(log)).slice(0, LIMITS.freeLogs),
    });
  }

  private isAlive(owner: string): boolean {
    return (this.owners.get(owner)?.until ?? -Infinity) > this.now();
  }

  private isFree(log: string): boolean {
    const holder = this.leases.get(log)?.owner;
    return holder === undefined || !this.isAlive(holder);
  }

  acquireLease(log: string, owner: string): Promise<Lease | undefined> {
    if (!this.logs.has(log) || !this.isAlive(owner)) return Promise.resolve(undefined);
    const lease = this.leases.get(log);
    if (lease?.owner !== owner && !this.isFree(log)) return Promise.resolve(undefined);
    const epoch = lease?.owner === owner ? lease.epoch : (lease?.epoch ?? 0) + 1;
    this.leases.set(log, { owner, epoch });
    return Promise.resolve({ epoch });
  }

  releaseLease(log: string, owner: string): Promise<void> {
    const lease = this.leases.get(log);
    if (lease?.owner === owner) this.leases.set(log, { ...lease, owner: undefined });
    return Promise.resolve();
  }

  leave(owner: string): Promise<void> {
    this.owners.delete(owner);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* oneByOne(parts: readonly string[]): AsyncGenerator<string> {
  for (const part of parts) yield await Promise.resolve(part);
}

const stored = ({ log, position, type, time, body, payload }: Kept): StoredEvent => ({
  log,
  position,
  type,
  time,
  body,
  payload: payload ?? null,
});
