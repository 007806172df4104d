import { setTimeout as delay } from 'node:timers/promises';
import type { AnnouncedEvent } from './cloudevent';
import { BUS_LIMITS } from './limits';
import {
  missing,
  onHead,
  onMessage,
  onRead,
  onSettled,
  readable,
  startSequence,
  type Need,
  type SequencerState,
} from './sequencer';

/** An event as a follower gets it. The payload beside the body is only there where it was read from the log. */
export interface FollowedEvent extends AnnouncedEvent {
  readonly payload?: string | null;
}

/** Where a source puts what it hears. Events may be missing, repeated, and in any order. */
export interface SourceSink {
  event(event: FollowedEvent): void;
  /** something may have been lost: look into the log now */
  gap(): void;
}

/** New events of a log, as far as the network lets them through. */
export interface EventSource {
  subscribe(log: string, sink: SourceSink): { stop(): Promise<void> };
}

export interface Batch {
  readonly log: string;
  /** the position that the consumer has stored; its first event's */
  readonly from: number;
  /** the position to store in the same transaction as the result; one past its last event's */
  readonly next: number;
  readonly events: readonly FollowedEvent[];
}

export interface Problem {
  /** what failed: the consumer's `handle`, reading the log, or reading the stored position */
  readonly where: 'handle' | 'repair' | 'start';
  readonly error: unknown;
  /** 1 for the first in a row */
  readonly attempt: number;
}

export interface FollowOptions {
  /** `<tenant>/<n>` */
  log: string;
  source: EventSource;
  /** reads the log: the events from position `from` on, at most `limit`, fewer only where the log ends */
  repair: (log: string, from: number, limit: number) => Promise<readonly FollowedEvent[]>;
  /**
   * The first position not yet handled, or how to read it from where `handle` stores it. Given as a function it is
   * asked again after `handle` threw: a transaction may have been committed although its answer was lost.
   */
  start: number | (() => Promise<number>);
  /** Handles a batch completely, or throws and has changed nothing. Never called again before it has returned. */
  handle: (batch: Batch) => Promise<void>;
  /**
   * `message`: a message that comes in order is handed on as it came. `log`: a message only tells that there is
   * something to read, so every byte handed on comes from the log, with its payload. For whoever proves something.
   */
  bodies?: 'message' | 'log';
  maxBatch?: number;
  /** events held at once; beyond it they are dropped and read again from the log */
  capacity?: number;
  /** how often the log is looked into while nothing is heard: a lost last message is late by this */
  pollMs?: number;
  signal?: AbortSignal;
  onProblem?: (problem: Problem) => void;
  /** waits; true where the time passed, false where the signal ended it. For simulations */
  sleep?: (ms: number, signal: AbortSignal) => Promise<boolean>;
}

export interface Follower {
  /** everything below is handled */
  readonly position: number;
  /** one past the highest position heard of */
  readonly head: number;
  /** events heard of and not handled */
  readonly lag: number;
  /** what keeps it from going on now */
  readonly problem: Problem | undefined;
  /**
   * True as soon as the event at `position` is handled; false where that takes longer than `timeoutMs`, the follower
   * stops, or `BUS_LIMITS.followWaiters` wait already.
   */
  caughtUpTo(position: number, timeoutMs: number): Promise<boolean>;
  /** Ends after the batch in hand. */
  stop(): Promise<void>;
}

/**
 * Hands every event of a log to `handle`: in order, without a gap, once, in batches. Messages make it fast; the log
 * makes it right: what the source loses, repeats or reorders is found by position and read from the log, which is
 * also looked into at the start, after a reported gap, and every `pollMs` of silence.
 *
 * Exactly once holds for a consumer that stores `next` in the same transaction as its result, only where `from` is
 * what is stored, and gives `start` as a function. A batch that throws is tried again, with growing pauses, for ever.
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
  private state: SequencerState<FollowedEvent> | undefined;
  private queue: FollowedEvent[] = [];
  private lookDue = true;
  private stopping = false;
  private nap: { wakes: boolean; controller: AbortController } | undefined;
  private readonly waiters = new Set<Waiter>();
  private readonly finished: Promise<void>;
  private readonly subscription: { stop(): Promise<void> };
  private readonly maxBatch: number;
  private readonly capacity: number;
  private readonly pollMs: number;

  constructor(private readonly options: FollowOptions) {
    this.maxBatch = Math.min(options.maxBatch ?? BUS_LIMITS.followBatch, BUS_LIMITS.followHeld);
    this.capacity = Math.min(options.capacity ?? BUS_LIMITS.followHeld, BUS_LIMITS.followHeld);
    this.pollMs = options.pollMs ?? BUS_LIMITS.pollMs;
    this.subscription = options.source.subscribe(options.log, {
      event: (event) => this.onEvent(event),
      gap: () => this.look(),
    });
    this.finished = this.run();
    if (options.signal?.aborted) void this.stop();
    else options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
  }

  get position(): number {
    return this.state?.settled ?? 0;
  }

  get head(): number {
    return this.state?.head ?? 0;
  }

  get lag(): number {
    return this.head - this.position;
  }

  caughtUpTo(position: number, timeoutMs: number): Promise<boolean> {
    if (this.state && this.state.settled > position) return Promise.resolve(true);
    if (this.stopping || this.waiters.size >= BUS_LIMITS.followWaiters) return Promise.resolve(false);
    if (position >= this.head) this.look(); // somebody has seen it committed: don't wait for the message
    return new Promise((resolve) => {
      const done = (handled: boolean): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(handled);
      };
      const waiter: Waiter = { position, done };
      const timer = setTimeout(() => done(false), timeoutMs);
      this.waiters.add(waiter);
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

  /** One thing at a time: handle what is there, else read what is missing, else rest. */
  private async turn(): Promise<void> {
    if (!this.state) return this.restart();
    if (this.queue.length > 0) return this.handleNext();
    const most = BUS_LIMITS.repairBatch;
    const need = missing(this.state, most) ?? (this.lookDue ? readable(this.state, most) : undefined);
    if (need) return this.read(need);
    if (await this.sleep(this.pollMs, true)) this.lookDue = true;
  }

  private onEvent(event: FollowedEvent): void {
    // Before the position is known nothing can be placed; the first look into the log finds it.
    if (!this.state || this.stopping || event.log !== this.options.log) return;
    if (!Number.isSafeInteger(event.position) || event.position < 0) return;
    if (this.options.bodies === 'log') {
      this.state = onHead(this.state, event.position + 1);
    } else {
      const step = onMessage(this.state, event);
      this.state = step.state;
      this.queue.push(...step.deliver);
    }
    this.wake();
  }

  private look(): void {
    this.lookDue = true;
    this.wake();
  }

  private async handleNext(): Promise<void> {
    const events = this.queue.slice(0, this.maxBatch);
    const from = (events[0] as FollowedEvent).position;
    const batch: Batch = { log: this.options.log, from, next: from + events.length, events };
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        await this.options.handle(batch);
        // A crash right here: the consumer's stored position says that the batch is done, and it isn't given again.
        this.settle(batch);
        return;
      } catch (error) {
        await this.fail('handle', error, attempt);
      }
      if (typeof this.options.start === 'number') continue;
      const stored = await this.storedPosition();
      if (stored === batch.from || stored === undefined) continue;
      if (stored === batch.next) return this.settle(batch); // it was committed, only its answer was lost
      return this.begin(stored); // another instance has taken over, or the results were made anew
    }
  }

  private settle(batch: Batch): void {
    this.problem = undefined;
    this.queue.splice(0, batch.events.length);
    if (this.state) this.state = onSettled(this.state, batch.next);
    for (const waiter of [...this.waiters]) if (batch.next > waiter.position) waiter.done(true);
  }

  private async read(need: Need): Promise<void> {
    const attempt = this.problem?.where === 'repair' ? this.problem.attempt + 1 : 1;
    this.lookDue = false;
    try {
      const events = await this.options.repair(this.options.log, need.from, need.limit);
      for (const { log } of events) {
        if (log !== this.options.log)
          throw new Error(`reading the log ${this.options.log} gave an event of ${log} (I9)`);
      }
      const step = onRead(this.state as SequencerState<FollowedEvent>, need, events);
      this.state = step.state;
      this.queue.push(...step.deliver);
      if (events.length === need.limit) this.lookDue = true; // there may be more
      this.problem = undefined;
    } catch (error) {
      this.lookDue = true;
      await this.fail('repair', error, attempt);
    }
  }

  /** Begins where the consumer says that it stands, asking until it answers. */
  private async restart(): Promise<void> {
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        const { start } = this.options;
        return this.begin(typeof start === 'number' ? start : await start());
      } catch (error) {
        await this.fail('start', error, attempt);
      }
    }
  }

  private begin(position: number): void {
    this.state = startSequence(position, this.capacity);
    this.queue = [];
    this.lookDue = true;
    for (const waiter of [...this.waiters]) if (position > waiter.position) waiter.done(true);
  }

  private async storedPosition(): Promise<number | undefined> {
    try {
      return typeof this.options.start === 'number' ? undefined : await this.options.start();
    } catch {
      return undefined; // the batch is tried again, which is safe: the consumer compares `from`
    }
  }

  private async fail(where: Problem['where'], error: unknown, attempt: number): Promise<void> {
    this.problem = { where, error, attempt };
    this.options.onProblem?.(this.problem);
    await this.sleep(Math.min(BUS_LIMITS.retryMostMs, BUS_LIMITS.retryFirstMs * 2 ** Math.min(attempt - 1, 20)), false);
  }

  /** True where the time passed. Stopping ends it; a message ends it only where it `wakes`. */
  private async sleep(ms: number, wakes: boolean): Promise<boolean> {
    if (this.stopping) return false;
    const controller = new AbortController();
    this.nap = { wakes, controller };
    const passed = await (this.options.sleep ?? sleepFor)(ms, controller.signal);
    this.nap = undefined;
    return passed;
  }

  private wake(): void {
    if (this.nap?.wakes) this.nap.controller.abort();
  }
}

const sleepFor = (ms: number, signal: AbortSignal): Promise<boolean> => delay(ms, true, { signal }).catch(() => false);
