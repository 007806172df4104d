import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';

/** Tells when a log may have something new. A hint, no promise: whoever waits looks by itself after a while. */
export class Arrivals {
  private readonly logs = new Map<string, { bells: Set<Bell>; stop(): Promise<void> }>();

  constructor(private readonly source: EventSource) {}

  /** A bell that rings at news of this log; all bells of a log share one subscription. */
  listen(log: string): Bell {
    const known = this.logs.get(log) ?? this.subscribe(log);
    const bell = new Bell(() => {
      known.bells.delete(bell);
      if (known.bells.size > 0) return;
      this.logs.delete(log);
      void known.stop();
    });
    known.bells.add(bell);
    return bell;
  }

  private subscribe(log: string): { bells: Set<Bell>; stop(): Promise<void> } {
    const bells = new Set<Bell>();
    const ring = (): void => bells.forEach((bell) => bell.ring());
    const subscription = this.source.subscribe(log, { head: ring, gap: ring });
    const entry = { bells, stop: () => subscription.stop() };
    this.logs.set(log, entry);
    return entry;
  }
}

export class Bell {
  private rung = false;
  private wake: (() => void) | undefined;

  constructor(readonly stop: () => void) {}

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Until it rings, at once where it has rung since it was last heard; at most so long. */
  heard(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.rung = false;
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      if (this.rung) done();
      else this.wake = done;
    });
  }
}
