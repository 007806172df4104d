import type { Announcement } from '@bailiwick/messaging/commit-message';
import { systemTimer, type Timer } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * Announces the commits of one log. The first commit is announced at once; those of the following `announceEveryMs`
 * share one announcement, because one announcement costs as much as many decisions and followers read all new events
 * anyway. A crash before an announcement loses nothing: followers also poll the log.
 */
export class Announcer {
  private pending: Announcement | undefined;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly publish: (commit: Announcement) => void,
    private readonly timer: Timer = systemTimer,
  ) {}

  announce(commit: Announcement): void {
    this.pending = this.pending ? { ...commit, from: this.pending.from } : commit;
    if (!this.cancel) this.flush();
  }

  /** Publishes the pending announcement and stops the timer. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    if (this.pending) this.publish(this.pending);
    this.pending = undefined;
  }

  private flush(): void {
    const commit = this.pending;
    this.pending = undefined;
    this.cancel = commit && this.timer(LIMITS.announceEveryMs, () => this.flush());
    if (commit) this.publish(commit);
  }
}
