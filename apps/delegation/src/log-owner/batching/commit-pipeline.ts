import { LIMITS } from '@bailiwick/core/limits';
import type { Clock } from '@bailiwick/core/clock';

/**
 * Lets the owner decide the next batch while the previous one is being committed. At most one commit is in flight; the
 * next one takes all commands that were decided in the meantime.
 */
export class CommitPipeline {
  private inFlight: { readonly since: number; readonly committed: Promise<void> } | undefined;

  /** @param onCommitted called after each commit, successful or not */
  constructor(
    private readonly clock: Clock,
    private readonly onCommitted: () => void,
  ) {}

  /** The commit in flight, if any. */
  get committed(): Promise<void> | undefined {
    return this.inFlight?.committed;
  }

  /** Reports whether the commit in flight is so old that a decision made now would be outdated when it is written. */
  get isOverdue(): boolean {
    return this.inFlight !== undefined && this.clock.now() - this.inFlight.since > LIMITS.decideAheadMs;
  }

  /** Tracks a commit that has just been started. Wait for `committed` first: only one may be in flight. */
  track(commit: Promise<void>): void {
    const committed = commit.finally(() => {
      this.inFlight = undefined;
      this.onCommitted();
    });
    this.inFlight = { since: this.clock.now(), committed };
  }
}
