import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/command';
import type { ReplayProgress } from '@bailiwick/contracts/replay';
import { LIMITS } from '@bailiwick/core/limits';
import { Busy, Turns } from '@bailiwick/platform/turns';
import { DATABASE_URL, WARN, type Warn } from '../connections/tokens';
import { found, refuse } from '../rpc/answers';
import type { WhatIfJob, WhatIfTold } from './what-if-worker';

interface Job {
  readonly tenant: string;
  readonly stop: AbortController;
  progress: ReplayProgress;
  answer: Answer | undefined;
  asked: number;
  finished: Promise<unknown>;
}

/** What one who waits for a what-if is told. */
export type ReplayTold = { readonly progress: ReplayProgress } | { readonly answer: unknown };

/** `number`: a what-if that no client polls for this time is given up; by default `LIMITS.replayUnaskedMs` */
export const WHAT_IF_UNASKED_MS = Symbol('WHAT_IF_UNASKED_MS');
/** `StartThread`: by default a worker thread with a bounded heap */
export const WHAT_IF_THREAD = Symbol('WHAT_IF_THREAD');
type StartThread = (job: WhatIfJob) => Worker;

const LOOK_MS = 1_000;
const ASK_MS = 1_000;

const thread: StartThread = (workerData) =>
  new Worker(join(__dirname, 'what-if-worker.js'), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.replayHeapMb },
  });

/**
 * What-ifs, one at a time in this process, each on a thread that lets live work go first: a few more wait, the rest are
 * told to come back. One that nobody asks about any more is given up; dying takes them all, and they are asked for
 * again.
 */
@Injectable()
export class Replays implements OnApplicationShutdown {
  private readonly jobs = new Map<string, Job>();
  private readonly ofLog = new Map<string, SerialQueue>();
  private readonly all = new SerialQueue('a what-if is being made', LIMITS.replaysWaiting, LIMITS.replayWaitMs);
  private readonly timer = setInterval(() => this.giveUp(), LOOK_MS);

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

  /** Begins one, or puts it in line. @returns the name it is asked about by */
  start(tenant: string, what: Omit<WhatIfJob, 'databaseUrl'>): string {
    const id = randomUUID();
    const turns =
      this.ofLog.get(what.log) ??
      new SerialQueue(`a what-if of ${what.log} is being made`, LIMITS.replaysWaiting, LIMITS.replayWaitMs);
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
        if (signal.aborted) return GIVEN_UP;
        if (error instanceof QueueFullError) return refuse('TOO_MANY', error.message);
        this.warn(`a what-if of ${what.log} could not be made`, error);
        return refuse('INTERNAL', 'the what-if could not be made; the log of the ledger says why');
      })
      .then((answer) => (job.answer = answer));
    return id;
  }

  /** How far it is, or what came of it, once; waits a moment for news. Another tenant's is not known (I9). */
  async ask(tenant: string, id: string): Promise<Answer> {
    const job = this.jobs.get(id);
    if (job?.tenant !== tenant) return refuse('NOT_READY', 'this what-if is not known here any more; ask for it again');
    job.asked = performance.now();
    const late = new Promise((resolve) => setTimeout(resolve, ASK_MS).unref());
    await Promise.race([job.finished, late]);
    if (job.answer === undefined) return found({ progress: job.progress } satisfies ReplayTold);
    this.jobs.delete(id);
    return job.answer.ok ? found({ answer: job.answer.value } satisfies ReplayTold) : job.answer;
  }

  cancel(tenant: string, id: string): void {
    const job = this.jobs.get(id);
    if (job?.tenant !== tenant) return;
    job.stop.abort();
    this.jobs.delete(id);
  }

  private giveUp(): void {
    for (const [id, job] of this.jobs) {
      if (performance.now() - job.asked > this.unaskedMs) this.cancel(job.tenant, id);
    }
  }

  private run(job: Job, what: WhatIfJob): Promise<Answer> {
    const { signal } = job.stop;
    if (signal.aborted) return Promise.resolve(GIVEN_UP);
    const worker = this.begin(what);
    return new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => resolve(TOO_LONG), LIMITS.replayMs);
      signal.addEventListener('abort', () => resolve(GIVEN_UP));
      worker.on('message', (told: WhatIfTold) => {
        if (told.kind === 'progress') job.progress = { done: told.done, total: told.total };
        else if (told.kind === 'answer') resolve(found(told.answer));
        else resolve(refuse('INTERNAL', `the log does not fold: ${told.detail}`));
      });
      worker.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(TOO_MUCH) : reject(error),
      );
      worker.on('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
      void worker.once('exit', () => clearTimeout(timer));
    }).finally(() => worker.terminate());
  }
}

const GIVEN_UP = refuse('NOT_READY', 'the what-if was given up, since nobody asked about it any more');
const narrower = 'name a treeId, or fewer positions with from and to';
const TOO_LONG = refuse('TOO_LARGE', `the what-if took longer than ${LIMITS.replayMs / 60_000} minutes; ${narrower}`);
const TOO_MUCH = refuse('TOO_LARGE', `the what-if needs more memory than it may have; ${narrower}`);
