import { systemTimer, type Timer } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';

/** A bounded queue that hands out all that waits at once: what commits together, costs one commit. */
export class Mailbox<T> {
  private items: T[] = [];
  private wake: (() => void) | undefined;

  constructor(
    private readonly most: number = LIMITS.mailboxCommands,
    private readonly timer: Timer = systemTimer,
  ) {}

  get length(): number {
    return this.items.length;
  }

  /** False where it is full: the caller is told to come back (429), nothing is held without bound. */
  put(item: T): boolean {
    if (this.items.length >= this.most) return false;
    this.items.push(item);
    this.nudge();
    return true;
  }

  /** Up to `most` items; waits for the first no longer than `ms`. */
  async take(most: number, ms: number): Promise<T[]> {
    if (this.items.length === 0) await this.something(ms);
    return this.items.splice(0, most);
  }

  nudge(): void {
    this.wake?.();
  }

  private something(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.wake = undefined;
        resolve();
      };
      const cancel = this.timer(ms, done);
      this.wake = done;
    });
  }
}
