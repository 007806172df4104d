import { systemClock } from '@bailiwick/core/clock';
import { ProblemError } from '../http/problem-error';

/** Renews a lease. Resolves to its new end, ms since 1970. */
export type Renew = () => Promise<number>;

const LONGEST_MS = 2 ** 31 - 1;
const SHORTEST_MS = 1_000;

/**
 * Renews a lease in the background when two thirds of the remaining time have passed. A renewal that is refused, or does
 * not reach the service, is tried again in ever shorter steps, until the lease ends.
 */
export class Renewal {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly renew: Renew,
    private readonly until: number,
  ) {}

  /** @param end of the lease, ms since 1970 */
  plan(end: number): void {
    clearTimeout(this.timer);
    // a lease that reaches its last end is not renewed again
    if (this.isStopped || end >= this.until) return;
    const ms = ((end - systemClock.now()) * 2) / 3;
    if (ms <= 0) return;
    this.timer = setTimeout(() => void this.act(end), Math.min(Math.max(ms, SHORTEST_MS), LONGEST_MS));
    this.timer.unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async act(end: number): Promise<void> {
    try {
      this.plan(await this.renew());
    } catch (error) {
      // a refusal may be temporary: the lease above ends first, or the run is suspended
      if (error instanceof ProblemError && [401, 404].includes(error.status)) this.stop();
      else this.plan(end);
    }
  }
}
