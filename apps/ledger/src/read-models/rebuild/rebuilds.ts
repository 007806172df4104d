import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DATABASE_URL, WARN, type Warn } from '../../connections/tokens';
import type { RebuildJob, RebuildTold } from './rebuild-worker';

/** Rebuilds of this process, one at a time: each holds the folded state of a log. */
@Injectable()
export class Rebuilds implements OnApplicationShutdown {
  private worker: Worker | undefined;

  constructor(
    @Inject(DATABASE_URL) private readonly databaseUrl: string,
    @Inject(WARN) private readonly warn: Warn,
  ) {}

  /**
   * Begins to make the read models of a log again.
   * @returns false where one is under way, here or elsewhere
   * @throws where it cannot begin
   */
  start(log: string): Promise<boolean> {
    if (this.worker) return Promise.resolve(false);
    const workerData: RebuildJob = { log, databaseUrl: this.databaseUrl };
    const worker = new Worker(join(__dirname, 'rebuild-worker.js'), { workerData });
    this.worker = worker;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        this.warn(`the read models of ${log} were not made again; the old ones stay`, error);
        reject(error);
      };
      worker.on('message', (told: RebuildTold) => {
        if ('began' in told) resolve(told.began);
        else failed(new Error(told.failed));
      });
      worker.on('error', failed);
      worker.on('exit', () => {
        this.worker = undefined;
        reject(new Error('it ended before it began'));
      });
    });
  }

  /** Dying in the midst of one: the old read models stay, and the next try removes what it left. */
  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }
}
