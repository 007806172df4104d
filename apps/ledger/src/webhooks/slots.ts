import { LIMITS } from '@bailiwick/core/limits';

interface Waiting {
  readonly tenant: string;
  readonly go: () => void;
}

/**
 * Bounds concurrent work, of all webhooks and of each tenant: slow endpoints of one tenant do not stop the others. The
 * next slot is for the tenant that has the fewest, however much the others queue.
 */
export class Slots {
  private readonly taken = new Map<string, number>();
  private readonly queue = new Set<Waiting>();
  private total = 0;

  constructor(
    private readonly most: number = LIMITS.webhooks.inFlight,
    private readonly mostPerTenant: number = LIMITS.webhooks.inFlightPerTenant,
  ) {}

  run<T>(tenant: string, work: () => Promise<T>): Promise<T>;
  /** @returns undefined, without the work, if the signal aborts before a slot is free */
  run<T>(tenant: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined>;
  async run<T>(tenant: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    if (!(await this.slot(tenant, signal))) return undefined;
    try {
      return await work();
    } finally {
      this.total -= 1;
      this.taken.set(tenant, this.takenBy(tenant) - 1);
      if (this.takenBy(tenant) === 0) this.taken.delete(tenant);
      this.admit();
    }
  }

  private slot(tenant: string, signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const leave = (): void => {
        this.queue.delete(waiting);
        resolve(false);
      };
      const go = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve(true);
      };
      const waiting = { tenant, go };
      signal?.addEventListener('abort', leave, { once: true });
      this.queue.add(waiting);
      this.admit();
    });
  }

  private takenBy(tenant: string): number {
    return this.taken.get(tenant) ?? 0;
  }

  private admit(): void {
    while (this.total < this.most) {
      let next: Waiting | undefined;
      for (const each of this.queue)
        if (this.takenBy(each.tenant) < (next ? this.takenBy(next.tenant) : this.mostPerTenant)) next = each;
      if (!next) return;
      this.queue.delete(next);
      this.total += 1;
      this.taken.set(next.tenant, this.takenBy(next.tenant) + 1);
      next.go();
    }
  }
}
