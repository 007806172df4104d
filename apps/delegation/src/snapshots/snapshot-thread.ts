import { Worker } from 'node:worker_threads';
import type { SnapshotJob, SnapshotReport } from './snapshot-worker';

/** How long a thread waits for the next snapshot. */
const WAITS_MS = 60_000;
/** After a snapshot of more characters, the thread ends at once, which gives its memory back. */
const SMALL_CHARS = 32 * 1024 * 1024;

type Result = Exclude<SnapshotReport, { readonly warning: string }>;

interface Taking {
  readonly warn: (warning: string) => void;
  readonly taken: (result: Result) => void;
  readonly failed: (error: Error) => void;
}

/**
 * The thread that takes the snapshots of a process, one at a time. It stays for a minute after each: to load its code, and
 * to compile it while it runs, is a large part of the work for a snapshot. A snapshot at full speed gets another thread,
 * since one that has lowered its priority cannot raise it.
 */
export class SnapshotThread {
  private worker: Worker | undefined;
  private taking: Taking | undefined;
  private ending: NodeJS.Timeout | undefined;

  constructor(private readonly start: () => Worker) {}

  /** @throws Error if the thread fails or is stopped; the next snapshot gets another one */
  async take(job: SnapshotJob, isFresh: boolean, warn: (warning: string) => void): Promise<Result> {
    if (isFresh) await this.stop();
    clearTimeout(this.ending);
    const worker = (this.worker ??= this.started());
    const result = await new Promise<Result>((taken, failed) => {
      this.taking = { warn, taken, failed };
      worker.postMessage(job);
    });
    const isSmall = 'chars' in result && result.chars <= SMALL_CHARS;
    if (isFresh || !isSmall) await this.stop();
    else this.ending = setTimeout(() => void this.stop(), WAITS_MS).unref();
    return result;
  }

  async stop(): Promise<void> {
    clearTimeout(this.ending);
    await this.worker?.terminate();
  }

  private started(): Worker {
    const worker = this.start();
    worker.on('message', (report: SnapshotReport) => {
      if ('warning' in report) this.taking?.warn(report.warning);
      else this.taking?.taken(report);
    });
    const end = (error: Error): void => {
      if (this.worker !== worker) return;
      this.worker = undefined;
      this.taking?.failed(error);
    };
    worker.on('error', end); // `exit` follows, perhaps after another thread was started
    worker.on('exit', () => end(new Error('the thread was stopped')));
    return worker;
  }
}
