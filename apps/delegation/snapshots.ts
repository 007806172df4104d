import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LIMITS } from '#kernel/limits';
import type { SnapshotJob, SnapshotTold } from './snapshot-worker';
import type { SnapshotTaken, Warn } from '#platform/log-state';

const LOOK_MS = 1_000;
/** after one that could not be taken */
const RETRY_MS = 30_000;
/**
 * For each event so much of a large state is written down again at most: what snapshots cost goes with the events, and
 * what a start folds with the state, which it has to read anyway.
 */
const CHARS_PER_EVENT = 1_000;
const NONE: SnapshotTaken = { position: 0, chars: 0 };

/** The log that has grown most beyond where its next snapshot is due, and after how many events since the last that is. */
export function mostOverdue(
  heads: Readonly<Record<string, number>>,
  taken: ReadonlyMap<string, SnapshotTaken>,
): { readonly log: string; readonly after: number } | undefined {
  const due = Object.entries(heads).map(([log, head]) => {
    const { position, chars } = taken.get(log) ?? NONE;
    const after = Math.max(LIMITS.snapshotEveryEvents, Math.ceil(chars / CHARS_PER_EVENT));
    return { log, after, over: (head - position) / after };
  });
  return due.filter(({ over }) => over >= 1).sort((a, b) => b.over - a.over)[0];
}

/**
 * Has snapshots taken of logs that have grown, one at a time, by a thread that folds for itself: writing down a million
 * grants takes seconds in which an owner could decide nothing.
 */
export class Snapshots {
  private readonly taken = new Map<string, SnapshotTaken>();
  private readonly timer: NodeJS.Timeout;
  private worker: Worker | undefined;
  private failedUntil = 0;

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
    if (this.worker || performance.now() < this.failedUntil) return;
    const due = mostOverdue(this.heads(), this.taken);
    if (due) this.take(due.log, due.after);
  }

  private take(log: string, atLeast: number): void {
    const workerData: SnapshotJob = { log, databaseUrl: this.databaseUrl, atLeast };
    const worker = new Worker(join(__dirname, 'snapshot-worker.js'), { workerData });
    this.worker = worker;
    worker.on('message', (told: SnapshotTold) => {
      if ('position' in told) this.taken.set(log, told);
      else this.warn(`${log}: ${told.warning}`);
    });
    worker.on('error', (error) => {
      this.failedUntil = performance.now() + RETRY_MS;
      this.warn(`no snapshot of ${log} could be taken; the next start folds more`, error);
    });
    worker.on('exit', () => (this.worker = undefined));
  }
}
