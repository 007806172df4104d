import { setTimeout as delay } from 'node:timers/promises';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { BUS_LIMITS } from '../bus-limits';
import {
  onGap,
  onHead,
  onRead,
  onReading,
  onSettled,
  startSequence,
  wantsReading,
  type SequencerState,
} from './sequencer';

/** Receives the notifications of a source about one log. They may be wrong, missing, repeated, and in any order. */
export interface SourceSink {
  /** the log extends up to here: one past its last position */
  head(next: number): void;
  /** notifications may have been lost: poll the log now */
  gap(): void;
}

/** A source of notifications about a log; the network may lose any of them. */
export interface EventSource {
  subscribe(log: string, sink: SourceSink): { stop(): Promise<void> };
}

export interface Batch {
  readonly log: string;
  /** the position that the consumer has stored; the position of the first event */
  readonly from: number;
  /** the position to store in the same transaction as the result; one past the last event's */
  readonly next: number;
  readonly events: readonly StoredEvent[];
  /** reports whether a caller waits in `caughtUpTo` now */
  readonly isAwaited: () => boolean;
}

export interface Problem {
  /** the failed step: the consumer's `handle`, reading the log, or reading the stored position */
  readonly where: 'handle' | 'read' | 'start';
  readonly error: unknown;
  /** 1 for the first failure in a row */
  readonly attempt: number;
}

export interface FollowOptions {
  /** `<tenant>/<n>` */
  log: string;
  source: EventSource;
  /** reads the log: the events from position `from` on, at most `limit`; fewer only at the end of the log */
  read: (log: string, from: number, limit: number) => Promise<readonly StoredEvent[]>;
  /**
   * The first position not yet handled, or a function that reads it from where `handle` stores it. The function is
   * called again after `handle` threw: a transaction may have been committed although its result was lost.
   */
  start: number | (() => Promise<number>);
  /** Handles a batch completely, or throws without any change. Calls never overlap. */
  handle: (batch: Batch) => Promise<void>;
  /** maximum events of a batch, which is one read; at most `BUS_LIMITS.followBatch` */
  maxBatch?: number;
  /**
   * How long to gather further events after the first notification, for fewer and larger batches. It ends early when a
   * whole batch is known to exist, or a caller waits in `caughtUpTo`. Default: 0.
   */
  gatherMs?: number;
  /** waits while further events gather, instead of `sleep`; followers that share a reading end their waits together */
  gather?: Wait;
  /** interval of polls while no notification arrives: the delay of commits without an announcement */
  pollMs?: number;
  signal?: AbortSignal;
  onProblem?: (problem: Problem) => void;
  /** For simulations */
  sleep?: Wait;
}

/** Waits; true if the time passed, false if the signal ended it. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<boolean>;

export interface Follower {
  /** all events below are handled */
  readonly position: number;
  /** one past the highest position that was announced or read */
  readonly head: number;
  /** events announced and not handled */
  readonly lag: number;
  /** the problem that blocks it now */
  readonly problem: Problem | undefined;
  /**
   * True as soon as the event at `position` is handled; false if that takes longer than `timeoutMs`, the follower
   * stops, or `BUS_LIMITS.followWaiters` callers wait already.
   */
  caughtUpTo(position: number, timeoutMs: number): Promise<boolean>;
  /** Ends after the current batch. */
  stop(): Promise<void>;
}

/**
 * Passes every event of a log to `handle`: in order, without a gap, once, in batches. Notifications make it fast; the
 * log makes it correct. Every byte is read from the log, also at the start, after a reported gap, and after each
 * `pollMs` without a notification.
 *
 * Exactly once holds for a consumer that stores `next` in the same transaction as its result, only if `from` is the
 * stored position, and passes `start` as a function. A batch that throws is retried indefinitely, with growing pauses.
 */
export function followLog(options: FollowOptions): Follower {
  return new LogFollower(options);
}

interface Waiter {
  position: number;
  done: (handled: boolean) => void;
}

class LogFollower implements Follower {
  problem: Problem | undefined;
  private state = startSequence(0);
  private stopping = false;
  private nap: { ends: () => boolean; controller: AbortController } | undefined;
  private readonly waiters = new Set<Waiter>();
  private readonly finished: Promise<void>;
  private readonly subscription: { stop(): Promise<void> };
  private readonly maxBatch: number;
  private readonly gatherMs: number;
  private readonly pollMs: number;

  constructor(private readonly options: FollowOptions) {
    this.maxBatch = Math.min(options.maxBatch ?? BUS_LIMITS.followBatch, BUS_LIMITS.followBatch);
    this.gatherMs = options.gatherMs ?? 0;
    this.pollMs = options.pollMs ?? BUS_LIMITS.pollMs;
    this.subscription = options.source.subscribe(options.log, {
      head: (next) => this.learn(onHead(this.state, next)),
      gap: () => this.learn(onGap(this.state)),
    });
    this.finished = this.run();
    if (options.signal?.aborted) void this.stop();
    else options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
  }

  get position(): number {
    return this.state.next;
  }

  get head(): number {
    return this.state.head;
  }

  get lag(): number {
    return this.head - this.position;
  }

  caughtUpTo(position: number, timeoutMs: number): Promise<boolean> {
    if (this.position > position) return Promise.resolve(true);
    if (this.stopping || this.waiters.size >= BUS_LIMITS.followWaiters) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (handled: boolean): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(handled);
      };
      const waiter: Waiter = { position, done };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.waiters.add(waiter);
      // the caller has seen it committed, so do not wait for a notification
      this.learn(position >= this.head ? onGap(this.state) : this.state);
    });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.nap?.controller.abort();
    await this.finished;
  }

  private async run(): Promise<void> {
    await this.restart();
    while (!this.stopping) await this.turn();
    await this.subscription.stop();
    for (const waiter of [...this.waiters]) waiter.done(false);
  }

  /** Performs one step: reads and handles the next events, or waits. */
  private async turn(): Promise<void> {
    if (!wantsReading(this.state)) {
      if (await this.sleep(this.pollMs, () => wantsReading(this.state))) this.state = onGap(this.state);
      return;
    }
    if (this.gatherMs > 0) await this.sleep(this.gatherMs, () => this.hurried(), this.options.gather);
    const events = await this.readNext();
    if (events.length > 0) await this.handle(events);
  }

  /** Reports whether gathering gains nothing, or would delay a caller. */
  private hurried(): boolean {
    const { next, head, pollDue } = this.state;
    return pollDue || this.waiters.size > 0 || head - next >= this.maxBatch;
  }

  private learn(state: SequencerState): void {
    this.state = state;
    if (this.nap?.ends()) this.nap.controller.abort();
  }

  /** Reads the next events of the log, with retries; none if it has no more, or the follower is stopping. */
  private async readNext(): Promise<readonly StoredEvent[]> {
    const { log, read } = this.options;
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        this.state = onReading(this.state);
        const events = await read(log, this.state.next, this.maxBatch);
        const foreign = events.find((event) => event.log !== log);
        if (foreign) throw new Error(`a read of the log ${log} returned an event of ${foreign.log} (I9)`);
        this.state = onRead(this.state, this.maxBatch, events);
        this.problem = undefined;
        return events;
      } catch (error) {
        await this.fail('read', error, attempt);
      }
    }
    return [];
  }

  private async handle(events: readonly StoredEvent[]): Promise<void> {
    const from = this.position;
    const isAwaited = (): boolean => this.waiters.size > 0;
    const batch: Batch = { log: this.options.log, from, next: from + events.length, events, isAwaited };
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        await this.options.handle(batch);
        // After a crash here, the consumer's stored position covers the batch, and it is not repeated.
        return this.settle(batch.next);
      } catch (error) {
        await this.fail('handle', error, attempt);
      }
      const stored = await this.storedPosition();
      if (stored === batch.from || stored === undefined) continue;
      // the batch was committed and its result lost, another instance has taken over, or the consumer was rebuilt
      return this.resumeAt(stored);
    }
  }

  private settle(position: number): void {
    this.problem = undefined;
    this.state = onSettled(this.state, position);
    this.notifyWaiters();
  }

  /** Starts at the position that the consumer has stored, with retries. */
  private async restart(): Promise<void> {
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        const { start } = this.options;
        return this.resumeAt(typeof start === 'number' ? start : await start());
      } catch (error) {
        await this.fail('start', error, attempt);
      }
    }
  }

  private resumeAt(position: number): void {
    this.state = startSequence(position); // the poll that this starts with finds what was announced before
    this.notifyWaiters();
  }

  private notifyWaiters(): void {
    for (const waiter of [...this.waiters]) if (this.position > waiter.position) waiter.done(true);
  }

  private async storedPosition(): Promise<number | undefined> {
    try {
      return typeof this.options.start === 'number' ? undefined : await this.options.start();
    } catch {
      return undefined; // the batch is retried, which is safe: the consumer compares `from`
    }
  }

  private async fail(where: Problem['where'], error: unknown, attempt: number): Promise<void> {
    this.problem = { where, error, attempt };
    this.options.onProblem?.(this.problem);
    const pause = Math.min(BUS_LIMITS.retryMostMs, BUS_LIMITS.retryFirstMs * 2 ** Math.min(attempt - 1, 20));
    await this.sleep(pause, () => false);
  }

  /** Returns true if the time passed; false if the follower stops, or if `ends` holds after an announcement. */
  private async sleep(ms: number, ends: () => boolean, wait = this.options.sleep ?? sleepFor): Promise<boolean> {
    if (this.stopping || ends()) return false;
    const controller = new AbortController();
    this.nap = { ends, controller };
    const passed = await wait(ms, controller.signal);
    this.nap = undefined;
    return passed;
  }
}

/** Waits in real time. */
export const sleepFor: Wait = (ms, signal) => delay(ms, true, { signal }).catch(() => false);
