import { BUS_LIMITS } from '../limits';

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

  constructor(private readonly options: EveryLogOptions) {}

  /** Follows the present logs. @throws if they cannot be listed */
  async start(): Promise<void> {
    await this.followNew();
    const { everyMs = BUS_LIMITS.newLogsMs, onError } = this.options;
    this.timer = setInterval(() => void this.followNew().catch(onError), everyMs);
  }

  /** Follows no further logs; those that are followed continue. */
  stop(): void {
    clearInterval(this.timer);
  }

  private async followNew(): Promise<void> {
    for (const log of await this.options.list()) {
      if (this.known.has(log)) continue;
      this.options.follow(log);
      this.known.add(log);
    }
  }
}
