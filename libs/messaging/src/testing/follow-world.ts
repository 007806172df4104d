import type { Batch, FollowedEvent, FollowOptions, Problem, SourceSink } from '../log-follower/follow-log';
import { BUS_LIMITS } from '../limits';

const LOG = 'default/0';
export const eventAt = (position: number, log = LOG): FollowedEvent => ({
  log,
  position,
  type: 'RunOpened',
  time: '2026-01-01T00:00:00.000Z',
  body: `{"position":${position}}`,
});

/** A log that grows, and a consumer whose result and position change in one step, as in one transaction. */
export class World {
  length = 0;
  position = 0;
  handled: number[] = [];
  reads = 0;
  problems: Problem[] = [];
  sink: SourceSink | undefined;
  private readonly changed = new Set<() => void>();

  readonly source = {
    subscribe: (_log: string, sink: SourceSink) => {
      this.sink = sink;
      return { stop: async () => void (this.sink = undefined) };
    },
  };

  read = async (log: string, from: number, limit: number): Promise<FollowedEvent[]> => {
    this.reads += 1;
    await pause();
    const count = Math.max(0, Math.min(limit, this.length - from));
    return Array.from({ length: count }, (_, index) => eventAt(from + index, log));
  };

  /** The log grows by so many, and says so. */
  append(count: number): void {
    this.length += count;
    this.sink?.head(this.length);
  }

  commit(batch: Batch): void {
    if (batch.from !== this.position)
      throw new Error(`stored position is ${this.position}, the batch is from ${batch.from}`);
    this.handled.push(...batch.events.map(({ position }) => position));
    this.position = batch.next;
    for (const check of [...this.changed]) check();
  }

  options(more: Partial<FollowOptions> = {}): FollowOptions {
    return {
      log: LOG,
      source: this.source,
      read: this.read,
      start: async () => this.position,
      handle: async (batch) => this.commit(batch),
      onProblem: (problem) => this.problems.push(problem),
      sleep: soon,
      ...more,
    };
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.changed.delete(check);
        resolve();
      };
      this.changed.add(check);
      check();
    });
  }
}

export const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that passes as soon as everything else has had its turn. */
export const soon = async (_ms: number, signal: AbortSignal): Promise<boolean> => {
  await pause();
  await pause();
  return !signal.aborted;
};

/** No time ever passes: only news and requests move the follower. */
export const never = (_ms: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });

/** Only pauses after a failure pass; being quiet lasts for ever. */
export const onlyRetries = (ms: number, signal: AbortSignal): Promise<boolean> =>
  ms < BUS_LIMITS.pollMs ? soon(ms, signal) : never(ms, signal);

/** Until the follower has nothing to do any more. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await pause();
}

export const range = (end: number, from = 0): number[] =>
  Array.from({ length: end - from }, (_, index) => from + index);

/** Until a condition holds that no commit announces. */
export async function pauseUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await pause();
}
