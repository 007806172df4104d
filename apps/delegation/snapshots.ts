import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LIMITS } from '#kernel/limits';
import type { SnapshotJob, SnapshotTaken } from './snapshot-worker';
import type { Warn } from '#platform/log-state';

const LOOK_MS = 1_000;
/** after one that took a second, nine without: it takes long where decisions go before it */
const REST = 9;

/**
 * Has snapshots taken of logs that have grown, one at a time, by a thread that folds for itself: writing down a million
 * grants takes seconds in which an owner could decide nothing. It takes a tenth of one core's time at most, and less
 * where decisions want it.
 */
export class Snapshots {
  private readonly taken = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private worker: Worker | undefined;
  private restUntil = 0;

  /** @param heads of each log that is owned here, its next position */
  constructor(
    private readonly heads: () => Record<string, number>,
    private readonly databaseUrl: string,
    private readonly warn: Warn,
  ) {
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Dying in the midst of one: it is not there, and the one before it is. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.worker?.terminate();
  }

  private look(): void {
    if (this.worker || performance.now() < this.restUntil) return;
    const grown = Object.entries(this.heads())
      .map(([log, head]) => ({ log, by: head - (this.taken.get(log) ?? 0) }))
      .filter(({ by }) => by >= LIMITS.snapshotEveryEvents)
      .sort((a, b) => b.by - a.by);
    if (grown[0]) this.take(grown[0].log);
  }

  private take(log: string): void {
    const started = performance.now();
    const workerData: SnapshotJob = { log, databaseUrl: this.databaseUrl, atLeast: LIMITS.snapshotEveryEvents };
    const worker = new Worker(join(__dirname, 'snapshot-worker.js'), { workerData });
    this.worker = worker;
    worker.on('message', (told: SnapshotTaken) => {
      if ('position' in told) this.taken.set(log, told.position);
      else this.warn(`${log}: ${told.warning}`);
    });
    worker.on('error', (error) => this.warn(`no snapshot of ${log} could be taken; the next start folds more`, error));
    worker.on('exit', () => {
      this.worker = undefined;
      this.restUntil = performance.now() + REST * (performance.now() - started);
    });
  }
}
