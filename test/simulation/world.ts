import { createHash } from 'node:crypto';
import { Random } from '../support/random';

/** A rule that did not hold: what ends a simulation. */
export class Violation extends Error {}

interface Due {
  readonly at: number;
  readonly act: () => void;
}

/**
 * Time, chance and the record of one simulation. Everything that happens is a step of `run`, in an order that follows
 * from the seed; between two steps all promises that can go on go on. Nothing in here reads a clock or waits.
 */
export class World {
  /** ms since the beginning; never goes back */
  now = 0;
  readonly random: Random;
  /** what happened, one line each */
  readonly history: string[] = [];
  /** how often something of interest happened */
  readonly reached = new Map<string, number>();
  failure: Error | undefined;
  /** faults are over: from now on everything works */
  calm = false;
  private jumped = Date.UTC(2026, 0, 1);
  private readonly queue: Due[] = [];

  constructor(readonly seed: number) {
    this.random = new Random(seed);
  }

  /** What a clock that is right shows, ms since 1970. */
  wall(): number {
    return this.jumped + this.now;
  }

  /** All clocks go forward at once: a long time in which nothing happened. */
  jump(ms: number): void {
    this.jumped += ms;
    this.note(`all clocks go forward by ${ms} ms`);
  }

  /** Acts once after so many milliseconds, unless the function that it gives back is called before. */
  after(ms: number, act: () => void): () => void {
    let cancelled = false;
    const due: Due = { at: this.now + Math.max(0, ms), act: () => cancelled || act() };
    let [low, high] = [0, this.queue.length]; // the soonest is the last; of two at one time the first one put in
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

  /** Step by step until it is done. @throws Violation where that takes longer than `most` ms of this world */
  async run(done: () => boolean, most: number, what: string): Promise<void> {
    const end = this.now + most;
    while (!done()) {
      if (this.failure) throw this.failure;
      const next = this.queue.pop();
      if (!next || next.at > end) throw new Violation(`${what} did not come to its end within ${most} ms`);
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

  /** From anywhere, also where nobody would hear what is thrown: the run ends with it. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  must(holds: boolean, what: () => string): void {
    if (!holds) this.fail(new Violation(what()));
  }

  digest(): string {
    return createHash('sha256').update(this.history.join('\n')).digest('hex');
  }
}

/** All promises that need nothing from outside have gone as far as they can. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
