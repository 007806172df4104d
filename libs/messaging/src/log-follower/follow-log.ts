import { setTimeout as delay } from 'node:timers/promises';
import { BUS_LIMITS } from '../limits';
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

/** An event as it stands in the log. */
export interface FollowedEvent {
  /** `<tenant>/<n>` */
  readonly log: string;
  readonly position: number;
  /** `GrantIssued` */
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  /** the JSON text exactly as stored */
  readonly body: string;
  /** what stands beside the body, as JSON text; nothing where it was never there or is erased */
  readonly payload?: string | null;
}

/** Where a source puts what it hears of one log. It may be wrong, missing, repeated, and in any order. */
export interface SourceSink {
  /** the log reaches up to here: one past its last position */
  head(next: number): void;
  /** something may have been lost: look into the log now */
  gap(): void;
}

/** News of a log, as far as the network lets it through. */
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
  readonly where: 'handle' | 'read' | 'start';
  readonly error: unknown;
  /** 1 for the first in a row */
  readonly attempt: number;
}

export interface FollowOptions {
  /** `<tenant>/<n>` */
  log: string;
  source: EventSource;
  /** reads the log: the events from position `from` on, at most `limit`, fewer only where the log ends */
  read: (log: string, from: number, limit: number) => Promise<readonly FollowedEvent[]>;
  /**
   * The first position not yet handled, or how to read it from where `handle` stores it. Given as a function it is
   * asked again after `handle` threw: a transaction may have been committed although its answer was lost.
   */
  start: number | (() => Promise<number>);
  /** Handles a batch completely, or throws and has changed nothing. Never called again before it has returned. */
  handle: (batch: Batch) => Promise<void>;
  /** most events of a batch, which is what one reading gives; at most `BUS_LIMITS.followBatch` */
  maxBatch?: number;
  /**
   * How long after the first news more is waited for, so that there are fewer and larger batches. Not while a whole
   * batch is known to be there, or somebody waits in `caughtUpTo`. 0 where it is left out.
   */
  gatherMs?: number;
  /** how often the log is looked into while nothing is heard: what nobody announced is late by this */
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
 * Hands every event of a log to `handle`: in order, without a gap, once, in batches. News makes it fast; the log makes
 * it right. Every byte is read from the log, also at the start, after a reported gap, and every `pollMs` of silence.
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
      // somebody has seen it committed: don't wait for the news
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

  /** One thing at a time: read what there is and handle it, or rest. */
  private async turn(): Promise<void> {
    if (!wantsReading(this.state)) {
      if (await this.sleep(this.pollMs, () => wantsReading(this.state))) this.state = onGap(this.state);
      return;
    }
    if (this.gatherMs > 0) await this.sleep(this.gatherMs, () => this.hurried());
    const events = await this.readNext();
    if (events.length > 0) await this.handle(events);
  }

  /** Whether nothing is gained, or somebody kept waiting, by waiting for more. */
  private hurried(): boolean {
    const { next, head, lookDue } = this.state;
    return lookDue || this.waiters.size > 0 || head - next >= this.maxBatch;
  }

  private learn(state: SequencerState): void {
    this.state = state;
    if (this.nap?.ends()) this.nap.controller.abort();
  }

  /** The next events of the log, asking until it answers; none where it has no more, or this is to stop. */
  private async readNext(): Promise<readonly FollowedEvent[]> {
    const { log, read } = this.options;
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        this.state = onReading(this.state);
        const events = await read(log, this.state.next, this.maxBatch);
        const foreign = events.find((event) => event.log !== log);
        if (foreign) throw new Error(`reading the log ${log} gave an event of ${foreign.log} (I9)`);
        this.state = onRead(this.state, this.maxBatch, events);
        this.problem = undefined;
        return events;
      } catch (error) {
        await this.fail('read', error, attempt);
      }
    }
    return [];
  }

  private async handle(events: readonly FollowedEvent[]): Promise<void> {
    const from = this.position;
    const batch: Batch = { log: this.options.log, from, next: from + events.length, events };
    for (let attempt = 1; !this.stopping; attempt += 1) {
      try {
        await this.options.handle(batch);
        // A crash right here: the consumer's stored position says that the batch is done, and it isn't given again.
        return this.settle(batch.next);
      } catch (error) {
        await this.fail('handle', error, attempt);
      }
      const stored = await this.storedPosition();
      if (stored === batch.from || stored === undefined) continue;
      // it was committed and only its answer was lost, or another instance has taken over, or all is made anew
      return this.begin(stored);
    }
  }

  private settle(position: number): void {
    this.problem = undefined;
    this.state = onSettled(this.state, position);
    this.tellWaiters();
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
    this.state = startSequence(position); // what was heard before is found by the look that this begins with
    this.tellWaiters();
  }

  private tellWaiters(): void {
    for (const waiter of [...this.waiters]) if (this.position > waiter.position) waiter.done(true);
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
    const pause = Math.min(BUS_LIMITS.retryMostMs, BUS_LIMITS.retryFirstMs * 2 ** Math.min(attempt - 1, 20));
    await this.sleep(pause, () => false);
  }

  /** True where the time passed; stopping ends it, and what is learned so that `ends` holds. */
  private async sleep(ms: number, ends: () => boolean): Promise<boolean> {
    if (this.stopping || ends()) return false;
    const controller = new AbortController();
    this.nap = { ends, controller };
    const passed = await (this.options.sleep ?? sleepFor)(ms, controller.signal);
    this.nap = undefined;
    return passed;
  }
}

const sleepFor = (ms: number, signal: AbortSignal): Promise<boolean> => delay(ms, true, { signal }).catch(() => false);
