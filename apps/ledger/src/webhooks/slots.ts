import { LIMITS } from '@bailiwick/core/limits';

interface Waiting {
  readonly tenant: string;
  readonly go: () => void;
}

/** Bounds concurrent attempts, of all webhooks and of each tenant: slow endpoints of one tenant do not stop the others. */
export class Slots {
  private readonly taken = new Map<string, number>();
  private readonly queue: Waiting[] = [];
  private total = 0;

  constructor(
    private readonly most: number = LIMITS.webhooks.inFlight,
    private readonly mostPerTenant: number = LIMITS.webhooks.inFlightPerTenant,
  ) {}

  async run<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => {
      this.queue.push({ tenant, go });
      this.admit();
    });
    try {
      return await work();
    } finally {
      this.total -= 1;
      this.taken.set(tenant, (this.taken.get(tenant) ?? 1) - 1);
      if (this.taken.get(tenant) === 0) this.taken.delete(tenant);
      this.admit();
    }
  }

  private admit(): void {
    while (this.total < this.most) {
      const next = this.queue.findIndex(({ tenant }) => (this.taken.get(tenant) ?? 0) < this.mostPerTenant);
      const [waiting] = next === -1 ? [] : this.queue.splice(next, 1);
      if (!waiting) return;
      this.total += 1;
      this.taken.set(waiting.tenant, (this.taken.get(waiting.tenant) ?? 0) + 1);
      waiting.go();
    }
  }
}
