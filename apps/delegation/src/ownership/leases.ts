import type { EventLog, Roster } from '@bailiwick/event-store/port';
import { systemClock, systemTimer, type Clock, type Timer } from '@bailiwick/core/clock';
import { shareOf } from './shares';

export interface LeasesOptions {
  readonly eventlog: Pick<EventLog, 'heartbeat' | 'acquireLease' | 'releaseLease' | 'leave'>;
  readonly me: string;
  /** monotonic: a step of the wall clock must not extend a lease */
  readonly clock: Clock;
  /**
   * The wall clock, in addition: the monotonic clock of Linux stops while the machine is suspended, but leases still
   * expire. If either clock shows that a lease has expired, the store is asked.
   */
  readonly wall?: Clock;
  /** schedules the heartbeats. Defaults to the system's timer */
  readonly timer?: Timer;
  /** Reports whether requests can reach this process. If they cannot, it lets its leases expire. */
  readonly reachable: () => boolean;
  /** Starts to own a log. */
  readonly begin: (log: string, epoch: number) => void;
  /** Stops owning a log; resolves when all accepted requests are answered. */
  readonly end: (log: string) => Promise<void>;
  /** Notifies other owners that logs are free. */
  readonly freed: () => void;
  readonly warn: (message: string, cause: unknown) => void;
}

/** How long a heartbeat keeps an owner's leases alive, by the store's clock. */
export const LEASE_MS = 2_000;
const BEAT_MS = 500;
/** This process treats its leases as expired this much earlier, because clocks drift. */
const MARGIN_MS = 100;
/** Logs are handed over only after the set of owners has been stable for this long. */
const SETTLE_MS = 2_000;
/** The maximum number of logs that are handed over at the same time. */
const HANDOVERS = 32;
const NO = Promise.resolve(false);

/**
 * Manages the leases of this process: renews them by a heartbeat, acquires free logs up to its share, and hands over the
 * logs beyond it. Leases determine which process answers; the fence determines which one may write.
 */
export class Leases {
  /** log → epoch of its lease */
  private readonly held = new Map<string, number>();
  private readonly leaving = new Map<string, Promise<void>>();
  /** when the newest answered heartbeat was sent, by both clocks, and the store's clock at that time */
  private beaten: { readonly clock: number; readonly wall: number; readonly store: number } | undefined;
  private failedAt = -Infinity;
  private owners: readonly string[] = [];
  private settledSince = 0;
  private stopping = false;
  private turn: Promise<unknown> = Promise.resolve();
  private nextBeat: Promise<void> | undefined;
  private cancelBeat = (): void => undefined;

  constructor(private readonly options: LeasesOptions) {}

  async start(): Promise<void> {
    await this.beat();
    this.beatOn();
  }

  /** The number of processes that shared the logs at the newest heartbeat, including this one. */
  get instances(): number {
    return this.owners.length;
  }

  private beatOn(): void {
    const timer = this.options.timer ?? systemTimer;
    this.cancelBeat = timer(BEAT_MS, () => {
      this.beatOn();
      void this.beat();
    });
  }

  /** Acquires no more logs, hands over all owned ones, and leaves. Leases that cannot be released expire. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.beat(); // the shares of the other owners now include our logs
    await Promise.all([...this.held.keys()].map((log) => this.release(log)));
    this.cancelBeat();
    await this.inTurn(() => this.options.eventlog.leave(this.options.me)).catch((error: unknown) =>
      this.options.warn('the leases could not be released; they will expire', error),
    );
    this.options.freed();
  }

  /**
   * Reports whether this process owns the log under this epoch. If it resolves to true, no other process has owned the
   * log at any time between the call and the result. If the lease may have expired (a process that was suspended
   * receives requests before its own timers fire), the store is asked: a former owner then learns that another process
   * owns the log, and does not respond.
   */
  isOurs(log: string, epoch: number): true | Promise<boolean> {
    if (this.live(log, epoch)) return true;
    // an unreachable store is not asked for every request
    if (this.options.clock.now() < this.failedAt + BEAT_MS) return NO;
    return this.beat().then(() => this.live(log, epoch));
  }

  private live(log: string, epoch: number): boolean {
    return this.held.get(log) === epoch && this.passed() < LEASE_MS - MARGIN_MS;
  }

  /** Milliseconds since the newest heartbeat, by the clock that shows more. A wall clock that went back is unusable. */
  private passed(): number {
    if (!this.beaten) return Infinity;
    const wall = this.wall.now() - this.beaten.wall;
    return Math.max(this.options.clock.now() - this.beaten.clock, wall < 0 ? Infinity : wall);
  }

  private get wall(): Clock {
    return this.options.wall ?? systemClock;
  }

  /** An upper bound of the store's clock; Infinity if the store has never answered, so that every deadline has passed. */
  storeNow(): number {
    return this.beaten ? this.beaten.store + this.passed() : Infinity;
  }

  /** Sends one heartbeat, after any in progress. Callers that arrive before it is sent share it. */
  beat(): Promise<void> {
    return (this.nextBeat ??= this.inTurn(() => {
      this.nextBeat = undefined;
      return this.beatOnce();
    }));
  }

  /** Sends requests to the store one at a time, so that its responses arrive in the order of events. */
  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(step);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private async beatOnce(): Promise<void> {
    const { eventlog, me, clock } = this.options;
    if (!this.options.reachable()) return;
    try {
      const sent = clock.now();
      const wall = this.wall.now();
      const roster = await eventlog.heartbeat(me, LEASE_MS, !this.stopping);
      this.compare(roster);
      this.beaten = { clock: sent, wall, store: roster.now };
      const share = this.stopping ? 0 : shareOf(me, roster.owners, roster.logs);
      await this.take(roster.free, share, sent + BEAT_MS);
      this.handOver(share, roster.owners);
    } catch (error) {
      this.failedAt = this.options.clock.now();
      this.options.warn('the leases could not be renewed', error);
    }
  }

  private compare({ held }: Roster): void {
    for (const [log, epoch] of this.held) {
      if (held.get(log)?.epoch === epoch) continue;
      this.held.delete(log);
      if (!this.leaving.has(log)) void this.end(log);
    }
    // the response to an acquisition was lost: the lease is ours, and no other process will take it
    for (const [log, { epoch }] of held) if (!this.held.has(log) && !this.stopping) this.begin(log, epoch);
  }

  private async take(free: readonly string[], share: number, until: number): Promise<void> {
    for (const log of free) {
      if (this.held.size - this.leaving.size >= share) return;
      if (this.options.clock.now() > until) return void this.beat(); // the next heartbeat is due
      if (this.held.has(log)) continue;
      const lease = await this.options.eventlog.acquireLease(log, this.options.me);
      // A crash here: the lease belongs to a dead owner, and is free again when its heartbeat expires.
      if (lease) this.begin(log, lease.epoch);
    }
  }

  private handOver(share: number, owners: readonly string[]): void {
    const now = this.options.clock.now();
    if (owners.join() !== this.owners.join()) this.settledSince = now;
    this.owners = owners;
    if (this.stopping || now - this.settledSince < SETTLE_MS) return;
    const staying = [...this.held.keys()].filter((log) => !this.leaving.has(log));
    const most = Math.min(staying.length - share, HANDOVERS - this.leaving.size);
    // the newest logs are handed over first: each log moves once, and long-held logs stay
    if (most > 0) for (const log of staying.slice(-most)) void this.release(log);
  }

  private release(log: string): Promise<void> {
    const leaving = this.leaving.get(log);
    if (leaving) return leaving;
    const released = this.releaseNow(log).finally(() => this.leaving.delete(log));
    this.leaving.set(log, released);
    return released;
  }

  private async releaseNow(log: string): Promise<void> {
    await this.end(log);
    // A crash before this line: another owner takes the log when the heartbeat expires. After it: at once.
    await this.inTurn(async () => {
      await this.options.eventlog.releaseLease(log, this.options.me).finally(() => this.held.delete(log));
    }).catch((error: unknown) => this.options.warn(`the lease of ${log} could not be released`, error));
    this.options.freed();
  }

  private begin(log: string, epoch: number): void {
    this.held.set(log, epoch);
    this.options.begin(log, epoch);
  }

  private async end(log: string): Promise<void> {
    await this.options
      .end(log)
      .catch((error: unknown) => this.options.warn(`the owner of ${log} did not stop cleanly`, error));
  }
}
