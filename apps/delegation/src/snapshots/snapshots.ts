import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LIMITS } from '@bailiwick/core/limits';
import type { SnapshotJob, SnapshotTold } from './snapshot-worker';
import type { Warn } from '@bailiwick/platform/log-state';

const LOOK_MS = 1_000;
/** after one that could not be taken; twice as long after each more of the same log */
const RETRY_MS = 30_000;
const RETRY_MOST_MS = 3_600_000;
/**
 * For each event so much of a large state is written down again: what snapshots cost goes with the events, and what a
 * start folds with the state, which it has to read anyway.
 */
const CHARS_PER_EVENT = 1_000;
/** so many times further than it should be, one is taken in a hurry */
const FAR = 10;

/** The newest snapshot of a log, as far as it is known here, and those that failed since. */
export interface Known {
  readonly position: number;
  /** undefined: none was taken here yet */
  readonly chars?: number | undefined;
  readonly failures?: { readonly count: number; readonly at: number } | undefined;
}

/**
 * What the next snapshot is to be of: the log that has grown most beyond where its next one is due. None is taken in a
 * hurry of a log of which nobody knows what it costs, or of which the last one failed.
 */
export function mostOverdue(
  heads: Readonly<Record<string, number>>,
  known: ReadonlyMap<string, Known>,
  now: number,
): Pick<SnapshotJob, 'log' | 'atLeast' | 'hurryFrom'> | undefined {
  const due = Object.entries(heads).map(([log, head]) => {
    const { position, chars, failures } = known.get(log) ?? { position: 0 };
    const atLeast = Math.max(LIMITS.snapshotEveryEvents, Math.ceil((chars ?? 0) / CHARS_PER_EVENT));
    const hurryFrom = chars === undefined || failures ? Infinity : FAR * atLeast;
    const waits = failures && now < failures.at + Math.min(RETRY_MS * 2 ** (failures.count - 1), RETRY_MOST_MS);
    return { log, atLeast, hurryFrom, over: waits ? 0 : (head - position) / atLeast };
  });
  return due.filter(({ over }) => over >= 1).sort((a, b) => b.over - a.over)[0];
}

/**
 * Has snapshots taken of logs that have grown, one at a time, by a thread that folds for itself: writing down a million
 * grants takes seconds in which an owner could decide nothing.
 */
export class Snapshots {
  private readonly known = new Map<string, Known>();
  private readonly timer: NodeJS.Timeout;
  private worker: Worker | undefined;

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
    if (this.worker) return;
    const due = mostOverdue(this.heads(), this.known, performance.now());
    if (due) this.take({ ...due, databaseUrl: this.databaseUrl });
  }

  private take(job: SnapshotJob): void {
    const { log } = job;
    const before = this.known.get(log);
    const worker = new Worker(join(__dirname, 'snapshot-worker.js'), { workerData: job });
    this.worker = worker;
    worker.on('message', (told: SnapshotTold) => {
      if ('warning' in told) this.warn(`${log}: ${told.warning}`);
      else this.known.set(log, { chars: before?.chars, ...told });
    });
    worker.on('error', (error) => {
      const failures = { count: (before?.failures?.count ?? 0) + 1, at: performance.now() };
      this.known.set(log, { position: 0, ...before, failures });
      this.warn(`no snapshot of ${log} could be taken; the next start folds more`, error);
    });
    worker.on('exit', () => (this.worker = undefined));
  }
}
