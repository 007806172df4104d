import { createHash } from 'node:crypto';
import { Random } from '../support/random';

/** A violated invariant, which ends a simulation. */
export class Violation extends Error {}

interface Due {
  readonly at: number;
  readonly act: () => void;
}

/**
 * Time, randomness and history of one simulation. Everything happens in a step of `run`, in an order determined by the
 * seed; between two steps all pending promises proceed as far as possible. The simulation never reads a real clock or
 * waits.
 */
export class World {
  /** ms since the start; never decreases */
  now = 0;
  readonly random: Random;
  /** one line per step */
  readonly history: string[] = [];
  /** situation → number of occurrences */
  readonly reached = new Map<string, number>();
  failure: Error | undefined;
  /** no further faults occur */
  calm = false;
  private jumped = Date.UTC(2026, 0, 1);
  private readonly queue: Due[] = [];

  constructor(readonly seed: number) {
    this.random = new Random(seed);
  }

  /** Returns the time of a correct clock, ms since 1970. */
  wall(): number {
    return this.jumped + this.now;
  }

  /** Moves all clocks forward at once, as if a long idle time had passed. */
  jump(ms: number): void {
    this.jumped += ms;
    this.note(`all clocks move forward by ${ms} ms`);
  }

  /** Runs an action once after `ms`. Returns a function that cancels it. */
  after(ms: number, act: () => void): () => void {
    let cancelled = false;
    const due: Due = { at: this.now + Math.max(0, ms), act: () => cancelled || act() };
    let [low, high] = [0, this.queue.length]; // the next action is last; actions due at one time run in insertion order
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.queue[middle] as Due).at > due.at) low = middle + 1;
      else high = middle;
    }
    this.queue.splice(low, 0, due);
    return () => {
      cancelled = true;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Runs step by step until `done`. @throws Violation if that takes longer than `limitMs` of the world's time */
  async run(done: () => boolean, limitMs: number, what: string): Promise<void> {
    const end = this.now + limitMs;
    while (!done()) {
      if (this.failure) throw this.failure;
      const next = this.queue.pop();
      if (!next || next.at > end) throw new Violation(`${what} did not end within ${limitMs} ms`);
      this.now = next.at;
      next.act();
      await settled();
    }
    if (this.failure) throw this.failure;
  }

  note(line: string): void {
    this.history.push(`${(this.now / 1_000).toFixed(3)} ${line}`);
  }

  count(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  /** Ends the run with an error, also from code whose exceptions are not caught. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  assert(holds: boolean, what: () => string): void {
    if (!holds) this.fail(new Violation(what()));
  }

  digest(): string {
    return createHash('sha256').update(this.history.join('\n')).digest('hex');
  }
}

/** Resolves after all promises that do not wait for a later step have settled. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
