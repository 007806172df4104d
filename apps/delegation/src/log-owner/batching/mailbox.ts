import { systemTimer, type Timer } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * A bounded queue that hands out all waiting items at once, so that they share one commit. The queue of a gateway
 * (`CommandBatcher`) cannot replace it: commands of several gateways, reads and deadlines arrive at one owner.
 */
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

  /** @returns false if the queue is full: the caller refuses the request with 429 */
  put(item: T): boolean {
    if (this.items.length >= this.most) return false;
    this.items.push(item);
    this.nudge();
    return true;
  }

  /** Takes up to `most` items; waits at most `ms` for the first. */
  async take(most: number, ms: number): Promise<T[]> {
    if (this.items.length === 0) await this.arrival(ms);
    return this.items.splice(0, most);
  }

  /** Ends the wait of `take` early. */
  nudge(): void {
    this.wake?.();
  }

  private arrival(ms: number): Promise<void> {
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
