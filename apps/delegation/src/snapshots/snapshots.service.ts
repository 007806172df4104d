import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Config } from '@bailiwick/platform/config';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { CONFIG, LOGGER } from '../connections/tokens';
import { LogOwnership } from '../ownership/log-ownership';
import { mostOverdue, type Known } from './snapshot-schedule';
import { SnapshotThread } from './snapshot-thread';
import type { SnapshotJob } from './snapshot-worker';

const POLL_MS = 1_000;

/**
 * Takes snapshots of logs that have grown, one at a time, in a worker thread that folds the log separately: writing a
 * million grants takes seconds, during which an owner could decide nothing.
 */
@Injectable()
export class SnapshotsService implements OnModuleInit, OnModuleDestroy {
  private readonly known = new Map<string, Known>();
  private timer: NodeJS.Timeout | undefined;
  private readonly thread = new SnapshotThread(() => new Worker(join(__dirname, 'snapshot-worker.js')));
  private isTaking = false;
  private isStopped = false;

  constructor(
    private readonly ownership: LogOwnership,
    @Inject(CONFIG) private readonly config: Pick<Config, 'databaseUrl'>,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.poll(), POLL_MS);
  }

  /** Ends a snapshot in progress. It is stored whole or not at all, so the previous one stays the newest. */
  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.thread.stop();
  }

  private poll(): void {
    if (this.isTaking) return;
    const due = mostOverdue(this.ownership.heads, this.known, performance.now());
    if (!due) return;
    const { isFar, ...job } = due;
    this.isTaking = true;
    void this.take({ ...job, databaseUrl: this.config.databaseUrl }, isFar).finally(() => (this.isTaking = false));
  }

  private async take(job: SnapshotJob, isFar: boolean): Promise<void> {
    const { log } = job;
    const before = this.known.get(log);
    try {
      const taken = await this.thread.take(job, isFar, (warning) => this.logger.warn(`${log}: ${warning}`));
      this.known.set(log, { chars: before?.chars, ...taken });
    } catch (error) {
      const failures = { count: (before?.failures?.count ?? 0) + 1, at: performance.now() };
      this.known.set(log, { position: 0, ...before, failures });
      if (!this.isStopped)
        this.logger.warn({ err: error }, `no snapshot of ${log} could be taken; the next start folds more events`);
    }
  }
}
