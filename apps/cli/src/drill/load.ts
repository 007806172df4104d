import type { BailiwickClient, Granted } from '@bailiwick/client/client';

export interface Permit {
  readonly position: number;
  /** monotonic, ms */
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** Asks for decisions under random grants, several at a time, until it is stopped. */
export class Load {
  readonly permits: Permit[] = [];
  readonly failures: string[] = [];
  denials = 0;
  private isStopped = false;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly enforcer: BailiwickClient,
    private readonly grants: readonly Granted[],
    workers: number,
  ) {
    this.workers = Array.from({ length: workers }, (_, worker) => this.work(worker));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.workers);
  }

  /** Asks under every grant once. @returns the number of grants that were not denied, or that could not be asked about */
  async once(): Promise<number> {
    let alive = 0;
    for (const grant of this.grants) if ((await this.ask(grant)) !== 'deny') alive += 1;
    return alive;
  }

  private async work(worker: number): Promise<void> {
    for (let n = worker; !this.isStopped; n += this.workers.length) {
      await this.ask(this.grants[n % this.grants.length] as Granted);
    }
  }

  private async ask({ grant }: Granted): Promise<string | undefined> {
    const askedAt = performance.now();
    try {
      const { decision, position } = await this.enforcer.act({
        grantId: grant.id,
        action: { verb: 'file.read', effect: 'read', args: {} },
        resource: { type: 'file', id: 'drill/file' },
      });
      if (decision === 'permit') this.permits.push({ position, askedAt, answeredAt: performance.now() });
      else this.denials += 1;
      return decision;
    } catch (error) {
      this.failures.push((error as Error).message);
      return undefined;
    }
  }
}
