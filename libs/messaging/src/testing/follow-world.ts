import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { Batch, FollowOptions, Problem, SourceSink } from '../log-follower/follow-log';
import { BUS_LIMITS } from '../bus-limits';

const LOG = 'default/0';
export const eventAt = (position: number, log = LOG): StoredEvent => ({
  log,
  position,
  type: 'RunOpened',
  time: '2026-01-01T00:00:00.000Z',
  body: `{"position":${position}}`,
});

/** A growing log, and a consumer whose result and position change in one step, as in one transaction. */
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

  read = async (log: string, from: number, limit: number): Promise<StoredEvent[]> => {
    this.reads += 1;
    await pause();
    const count = Math.max(0, Math.min(limit, this.length - from));
    return Array.from({ length: count }, (_, index) => eventAt(from + index, log));
  };

  /** Appends events to the log and announces them. */
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

/** Passes time as soon as everything else has had its turn. */
export const soon = async (_ms: number, signal: AbortSignal): Promise<boolean> => {
  await pause();
  await pause();
  return !signal.aborted;
};

/** Never passes time: only announcements and requests move the follower. */
export const never = (_ms: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });

/** Passes only pauses after a failure; a poll is never due. */
export const onlyRetries = (ms: number, signal: AbortSignal): Promise<boolean> =>
  ms < BUS_LIMITS.pollMs ? soon(ms, signal) : never(ms, signal);

/** Waits until the follower has nothing left to do. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await pause();
}

export const range = (end: number, from = 0): number[] =>
  Array.from({ length: end - from }, (_, index) => from + index);

/** Waits for a condition that no commit announces. */
export async function pauseUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await pause();
}
