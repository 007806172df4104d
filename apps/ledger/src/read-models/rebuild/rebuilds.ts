import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { DATABASE_URL, WARN, type Warn } from '../../connections/tokens';
import type { RebuildJob, RebuildMessage } from './rebuild-worker';

/** Runs the rebuilds of this process, one at a time, because each holds the folded state of a log. */
@Injectable()
export class Rebuilds implements OnApplicationShutdown {
  private worker: Worker | undefined;

  constructor(
    @Inject(DATABASE_URL) private readonly databaseUrl: string,
    @Inject(WARN) private readonly warn: Warn,
  ) {}

  /**
   * Starts to rebuild the read models of a log.
   * @returns false if a rebuild of the log is running, in this process or another
   * @throws Error if the rebuild cannot start
   */
  start(log: string): Promise<boolean> {
    if (this.worker) return Promise.resolve(false);
    const workerData: RebuildJob = { log, databaseUrl: this.databaseUrl };
    const worker = new Worker(join(__dirname, 'rebuild-worker.js'), { workerData });
    this.worker = worker;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        this.warn(`the read models of ${log} were not rebuilt; the current ones stay in use`, error);
        reject(error);
      };
      worker.on('message', (message: RebuildMessage) => {
        if ('started' in message) resolve(message.started);
        else failed(new Error(message.failed));
      });
      worker.on('error', failed);
      worker.on('exit', () => {
        this.worker = undefined;
        reject(new Error('the thread ended before the rebuild started'));
      });
    });
  }

  /** Terminates a running rebuild: the current read models stay in use, and the next rebuild removes the partial set. */
  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }
}
