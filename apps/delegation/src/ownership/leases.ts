import type { EventLog, Roster } from '@bailiwick/event-store/port';
import { systemClock, systemTimer, type Clock, type Timer } from '@bailiwick/core/clock';
import { shareOf } from './shares';

export interface LeasesOptions {
  readonly eventlog: Pick<EventLog, 'heartbeat' | 'acquireLease' | 'releaseLease' | 'leave'>;
  readonly me: string;
  /** monotonic: what is done to the wall clock makes no lease longer */
  readonly clock: Clock;
  /**
   * The wall clock, in addition: the monotonic one of Linux stands still while the machine is suspended, and the leases
   * run out meanwhile. A lease counts as over if either clock shows that its time is; the store is asked then.
   */
  readonly wall?: Clock;
  /** wakes it for its heartbeats; the system's where it is left out */
  readonly timer?: Timer;
  /** can requests reach this process? An owner that nobody can ask lets its leases run out */
  readonly reachable: () => boolean;
  /** begins to own a log */
  readonly begin: (log: string, epoch: number) => void;
  /** ends what was begun; resolves when all that was taken is answered */
  readonly end: (log: string) => Promise<void>;
  /** tells other owners that there is something to take */
  readonly freed: () => void;
  readonly warn: (message: string, cause: unknown) => void;
}

/** how long an owner is there after each heartbeat, by the store's clock */
export const LEASE_MS = 2_000;
const BEAT_MS = 500;
/** our lease is over for us so much earlier: clocks do not run at quite the same speed */
const MARGIN_MS = 100;
/** who owns what is left as it is until owners have been the same for so long */
const SETTLE_MS = 2_000;
/** logs that are handed over at the same time */
const HANDOVERS = 32;
const NO = Promise.resolve(false);

/**
 * Which logs are this process's: holds its leases by a heartbeat, takes what is free up to its share, and hands over
 * what is beyond it. It decides nothing about who may write (that is the fence's doing); it says who answers.
 */
export class Leases {
  /** log → epoch of its lease */
  private readonly held = new Map<string, number>();
  private readonly leaving = new Map<string, Promise<void>>();
  /** when the newest heartbeat that was answered was sent, by both clocks, and what the store's clock was */
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

  /** How many processes there were to share the logs at the newest heartbeat, this one with them. */
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

  /** Takes no more, hands over everything, and goes. What is left undone ends with its lease. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.beat(); // the shares of the others now have room for ours
    await Promise.all([...this.held.keys()].map((log) => this.letGo(log)));
    this.cancelBeat();
    await this.inTurn(() => this.options.eventlog.leave(this.options.me)).catch((error: unknown) =>
      this.options.warn('the leases could not be given back; they end by themselves', error),
    );
    this.options.freed();
  }

  /**
   * Does this process own the log under this epoch? Nobody else has, from any moment before this is asked to the moment
   * it says yes. Where the lease may have run out meanwhile (a process that was stopped hears the requests before its
   * own timers) the store is asked: whoever comes too late learns that another owns the log, and says nothing.
   */
  isOurs(log: string, epoch: number): true | Promise<boolean> {
    if (this.live(log, epoch)) return true;
    // a store that is away is not asked once for every request
    if (this.options.clock.now() < this.failedAt + BEAT_MS) return NO;
    return this.beat().then(() => this.live(log, epoch));
  }

  private live(log: string, epoch: number): boolean {
    return this.held.get(log) === epoch && this.passed() < LEASE_MS - MARGIN_MS;
  }

  /** Milliseconds since the newest heartbeat: those of the clock that shows more. One that went back shows nothing. */
  private passed(): number {
    if (!this.beaten) return Infinity;
    const wall = this.wall.now() - this.beaten.wall;
    return Math.max(this.options.clock.now() - this.beaten.clock, wall < 0 ? Infinity : wall);
  }

  private get wall(): Clock {
    return this.options.wall ?? systemClock;
  }

  /** The store's clock, as far as this process knows it: never behind it. It is always late where no store answers. */
  storeNow(): number {
    return this.beaten ? this.beaten.store + this.passed() : Infinity;
  }

  /** One heartbeat, after any that is under way; whoever asks meanwhile shares the next. */
  beat(): Promise<void> {
    return (this.nextBeat ??= this.inTurn(() => {
      this.nextBeat = undefined;
      return this.beatOnce();
    }));
  }

  /** What is said to the store, one after the other: its answers then come in the order of what happened. */
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
    // a lease whose answer was lost on its way: it is ours, and nobody else will take it
    for (const [log, { epoch }] of held) if (!this.held.has(log) && !this.stopping) this.begin(log, epoch);
  }

  private async take(free: readonly string[], share: number, until: number): Promise<void> {
    for (const log of free) {
      if (this.held.size - this.leaving.size >= share) return;
      if (this.options.clock.now() > until) return void this.beat(); // so many that the next heartbeat is due
      if (this.held.has(log)) continue;
      const lease = await this.options.eventlog.acquireLease(log, this.options.me);
      // Dying here: the lease has an owner that is not there, and is free again when its heartbeat has run out.
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
    // what was taken last goes first: it moves once, and what has been here for long stays
    if (most > 0) for (const log of staying.slice(-most)) void this.letGo(log);
  }

  private letGo(log: string): Promise<void> {
    const known = this.leaving.get(log);
    if (known) return known;
    const gone = this.letGoNow(log).finally(() => this.leaving.delete(log));
    this.leaving.set(log, gone);
    return gone;
  }

  private async letGoNow(log: string): Promise<void> {
    await this.end(log);
    // Dying before this line: another takes the log when the heartbeat has run out. After it: at once.
    await this.inTurn(async () => {
      await this.options.eventlog.releaseLease(log, this.options.me).finally(() => this.held.delete(log));
    }).catch((error: unknown) => this.options.warn(`the lease of ${log} could not be given back`, error));
    this.options.freed();
  }

  private begin(log: string, epoch: number): void {
    this.held.set(log, epoch);
    this.options.begin(log, epoch);
  }

  private async end(log: string): Promise<void> {
    await this.options
      .end(log)
      .catch((error: unknown) => this.options.warn(`what was begun for ${log} did not end well`, error));
  }
}
