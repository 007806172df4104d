import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { ReplayProgress } from '@bailiwick/contracts/replay/replay';
import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError, SerialQueue } from '@bailiwick/platform/serial-queue';
import { DATABASE_URL, WARN, type Warn } from '../connections/tokens';
import { found, refuse } from '../rpc/answers';
import type { WhatIfJob, WhatIfMessage } from './what-if-worker';

interface Job {
  readonly tenant: string;
  readonly stop: AbortController;
  progress: ReplayProgress;
  answer: Answer | undefined;
  asked: number;
  finished: Promise<unknown>;
}

/** The response to a poll. */
export type ReplayReport = { readonly progress: ReplayProgress } | { readonly answer: unknown };

/** `number`: a what-if that no client polls for this time is cancelled; by default `LIMITS.replayUnaskedMs` */
export const WHAT_IF_UNASKED_MS = Symbol('WHAT_IF_UNASKED_MS');
/** `StartThread`: by default a worker thread with a bounded heap */
export const WHAT_IF_THREAD = Symbol('WHAT_IF_THREAD');
type StartThread = (job: WhatIfJob) => Worker;

const SWEEP_MS = 1_000;
const ASK_MS = 1_000;

/** What a what-if makes of an event is garbage after it: a large young generation collects it without copying it. */
const YOUNG_MB = 64;

const thread: StartThread = (workerData) =>
  new Worker(join(__dirname, 'what-if-worker.js'), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.replayHeapMb, maxYoungGenerationSizeMb: YOUNG_MB },
  });

/**
 * Runs what-ifs, one at a time in this process, each on a thread of the lowest priority. A few more wait in a queue;
 * further ones are refused. A what-if that its client stops polling is cancelled. After a crash clients start theirs again.
 */
@Injectable()
export class Replays implements OnApplicationShutdown {
  private readonly jobs = new Map<string, Job>();
  private readonly ofLog = new Map<string, SerialQueue>();
  private readonly all = new SerialQueue('a what-if is running', LIMITS.replaysWaiting, LIMITS.replayWaitMs);
  private readonly timer = setInterval(() => this.cancelUnpolled(), SWEEP_MS);

  constructor(
    @Inject(DATABASE_URL) private readonly databaseUrl: string,
    @Inject(WARN) private readonly warn: Warn,
    @Optional() @Inject(WHAT_IF_UNASKED_MS) private readonly unaskedMs: number = LIMITS.replayUnaskedMs,
    @Optional() @Inject(WHAT_IF_THREAD) private readonly begin: StartThread = thread,
  ) {
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    for (const job of this.jobs.values()) job.stop.abort();
    await Promise.all([...this.jobs.values()].map((job) => job.finished));
  }

  /** Starts a what-if, or queues it. @returns the id to poll */
  start(tenant: string, what: Omit<WhatIfJob, 'databaseUrl'>): string {
    const id = randomUUID();
    const turns =
      this.ofLog.get(what.log) ??
      new SerialQueue(`a what-if of ${what.log} is running`, LIMITS.replaysWaiting, LIMITS.replayWaitMs);
    this.ofLog.set(what.log, turns);
    const job: Job = {
      tenant,
      stop: new AbortController(),
      progress: { done: 0, total: what.to + 1 },
      answer: undefined,
      asked: performance.now(),
      finished: Promise.resolve(),
    };
    this.jobs.set(id, job);
    const { signal } = job.stop;
    const run = (): Promise<Answer> => this.run(job, { ...what, databaseUrl: this.databaseUrl });
    job.finished = turns
      .take(() => this.all.take(run, signal), signal)
      .catch((error: unknown) => {
        if (signal.aborted) return CANCELLED;
        if (error instanceof QueueFullError) return refuse('TOO_MANY', error.message);
        this.warn(`a what-if of ${what.log} failed`, error);
        return refuse('INTERNAL', 'the what-if failed; the cause is in the log of the ledger service');
      })
      .then((answer) => (job.answer = answer));
    return id;
  }

  /** Returns the progress, or the result once; waits up to a second for the result. Finds only the tenant's own (I9). */
  async ask(tenant: string, id: string): Promise<Answer> {
    const job = this.jobs.get(id);
    if (job?.tenant !== tenant) return refuse('NOT_READY', 'the what-if is no longer available; start it again');
    job.asked = performance.now();
    const late = new Promise((resolve) => setTimeout(resolve, ASK_MS).unref());
    await Promise.race([job.finished, late]);
    if (job.answer === undefined) return found({ progress: job.progress } satisfies ReplayReport);
    this.jobs.delete(id);
    return job.answer.ok ? found({ answer: job.answer.value } satisfies ReplayReport) : job.answer;
  }

  cancel(tenant: string, id: string): void {
    const job = this.jobs.get(id);
    if (job?.tenant !== tenant) return;
    job.stop.abort();
    this.jobs.delete(id);
  }

  private cancelUnpolled(): void {
    for (const [id, job] of this.jobs) {
      if (performance.now() - job.asked > this.unaskedMs) this.cancel(job.tenant, id);
    }
  }

  private run(job: Job, what: WhatIfJob): Promise<Answer> {
    const { signal } = job.stop;
    if (signal.aborted) return Promise.resolve(CANCELLED);
    const worker = this.begin(what);
    return new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => resolve(TOO_LONG), LIMITS.replayMs);
      signal.addEventListener('abort', () => resolve(CANCELLED));
      worker.on('message', (message: WhatIfMessage) => {
        if (message.kind === 'progress') job.progress = { done: message.done, total: message.total };
        else if (message.kind === 'answer') resolve(found(message.answer));
        else if (message.kind === 'unreadable') resolve(refuse('BAD_REQUEST', message.detail));
        else resolve(refuse('INTERNAL', `the log cannot be folded: ${message.detail}`));
      });
      worker.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(TOO_MUCH) : reject(error),
      );
      worker.on('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
      void worker.once('exit', () => clearTimeout(timer));
    }).finally(() => worker.terminate());
  }
}

const CANCELLED = refuse('NOT_READY', 'the what-if was cancelled because its client stopped polling');
const narrower = 'select a treeId, or fewer positions with from and to';
const TOO_LONG = refuse('TOO_LARGE', `the what-if took longer than ${LIMITS.replayMs / 60_000} minutes; ${narrower}`);
const TOO_MUCH = refuse('TOO_LARGE', `the what-if exceeds its memory limit of ${LIMITS.replayHeapMb} MB; ${narrower}`);
