import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';

interface Subscription {
  readonly listeners: Set<CommitListener>;
  stop(): Promise<void>;
}

/** Notifies listeners when a log may have grown. A notification can be lost, so a listener also polls at intervals. */
export class CommitNotifier {
  private readonly logs = new Map<string, Subscription>();

  constructor(private readonly source: EventSource) {}

  /** A listener for commits to this log; all listeners of a log share one subscription. */
  listen(log: string): CommitListener {
    const subscription = this.logs.get(log) ?? this.subscribe(log);
    const listener = new CommitListener(() => {
      subscription.listeners.delete(listener);
      if (subscription.listeners.size > 0) return;
      this.logs.delete(log);
      void subscription.stop();
    });
    subscription.listeners.add(listener);
    return listener;
  }

  private subscribe(log: string): Subscription {
    const listeners = new Set<CommitListener>();
    const notify = (): void => listeners.forEach((each) => each.notify());
    const source = this.source.subscribe(log, { head: notify, gap: notify });
    const subscription = { listeners, stop: () => source.stop() };
    this.logs.set(log, subscription);
    return subscription;
  }
}

export class CommitListener {
  private isNotified = false;
  private wake: (() => void) | undefined;

  constructor(readonly stop: () => void) {}

  notify(): void {
    this.isNotified = true;
    this.wake?.();
  }

  /** Resolves at the next notification, at once if there was one since the last wait, and after `ms` at the latest. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.isNotified = false;
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      if (this.isNotified) done();
      else this.wake = done;
    });
  }
}
