import { LIMITS } from '@bailiwick/core/limits';

interface Asking {
  waiting: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Asks the enforcement points about a log, at once and then at fixed steps for as long as a request waits: however many
 * requests wait, and whatever is reported.
 */
export class EpochQuestions {
  private readonly logs = new Map<string, Asking>();

  constructor(private readonly publish: (log: string) => void) {}

  /** @returns a function that ends it, to be called once */
  ask(log: string): () => void {
    const asking = this.logs.get(log) ?? this.start(log);
    asking.waiting += 1;
    return () => void (asking.waiting -= 1);
  }

  close(): void {
    for (const { timer } of this.logs.values()) clearInterval(timer);
    this.logs.clear();
  }

  private start(log: string): Asking {
    this.publish(log);
    const asking: Asking = { waiting: 0, timer: setInterval(() => this.step(log, asking), LIMITS.epochAskedMs) };
    this.logs.set(log, asking);
    return asking;
  }

  /** Requests that end and start within a step do not ask more often: a log without any is forgotten only here. */
  private step(log: string, { waiting, timer }: Asking): void {
    if (waiting > 0) return this.publish(log);
    clearInterval(timer);
    this.logs.delete(log);
  }
}
