import { BUS_LIMITS } from '../bus-limits';

export interface EveryLogOptions {
  readonly list: () => Promise<readonly string[]>;
  /** called once per log */
  readonly follow: (log: string) => void;
  /** receives the failures of later lists, which are retried */
  readonly onError: (error: unknown) => void;
  /** interval of the lists, ms */
  readonly everyMs?: number;
}

/** Follows every log, including logs created later. */
export class EveryLog {
  private readonly known = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: EveryLogOptions) {}

  /** Follows the present logs. @throws if they cannot be listed */
  async start(): Promise<void> {
    await this.followNew();
    this.listLater();
  }

  /** Follows no further logs, also if a list is being read; those that are followed continue. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Lists one at a time, however long the database takes. */
  private listLater(): void {
    if (this.stopped) return;
    const { everyMs = BUS_LIMITS.newLogsMs, onError } = this.options;
    this.timer = setTimeout(() => {
      void this.followNew()
        .catch(onError)
        .finally(() => this.listLater());
    }, everyMs);
  }

  private async followNew(): Promise<void> {
    const logs = await this.options.list();
    for (const log of logs) {
      if (this.stopped) return;
      if (this.known.has(log)) continue;
      this.options.follow(log);
      this.known.add(log);
    }
  }
}
