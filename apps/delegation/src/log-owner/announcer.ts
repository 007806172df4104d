import type { Announcement } from '@bailiwick/messaging/cloudevent';
import { systemTimer, type Timer } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * Tells of the commits of one log. The first is told at once; those of the next `announceEveryMs` together, since one
 * announcement costs what many decisions do, and followers read what has gathered anyway. Dying with some untold loses
 * nothing: followers look into the log by themselves.
 */
export class Announcer {
  private untold: Announcement | undefined;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly say: (commit: Announcement) => void,
    private readonly timer: Timer = systemTimer,
  ) {}

  tell(commit: Announcement): void {
    this.untold = this.untold ? { ...commit, from: this.untold.from } : commit;
    if (!this.cancel) this.sayNow();
  }

  /** Says what is left. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    if (this.untold) this.say(this.untold);
    this.untold = undefined;
  }

  private sayNow(): void {
    const commit = this.untold;
    this.untold = undefined;
    this.cancel = commit && this.timer(LIMITS.announceEveryMs, () => this.sayNow());
    if (commit) this.say(commit);
  }
}
