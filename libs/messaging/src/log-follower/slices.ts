import { setTimeout as delay } from 'node:timers/promises';
import { BUS_LIMITS } from '../bus-limits';
import type { Batch, Wait } from './follow-log';

/**
 * Divides the work on a small batch into slices of a few events with pauses, so that a follower never keeps a core from
 * a decision for longer than a slice: a scheduler lets a thread run for some milliseconds before another takes its core,
 * whatever their priorities. A large batch is worked on at once, since pauses would let the follower fall behind, and so
 * is one that a caller waits for. Slices of several followers in a process do not follow each other without a pause; if
 * many followers have small batches, none pauses. Events and not time are counted: on a busy machine, where a thread is
 * interrupted often, pauses would become more frequent with the time that passes.
 */
export class Slices {
  /** ends with the last pause; each starts after the one before it */
  private static pauses: Promise<unknown> = Promise.resolve();
  private static pausing = 0;
  /** events of the present slice */
  private done = 0;
  private readonly isSmall: boolean;

  constructor(
    private readonly batch: Pick<Batch, 'events' | 'isAwaited'>,
    private readonly wait: Wait = pass,
  ) {
    this.isSmall = batch.events.length <= BUS_LIMITS.slicedBatch;
  }

  /** Returns what to wait for before the next event; undefined while the slice lasts. */
  pause(): Promise<void> | undefined {
    if (!this.isSmall || this.done++ < BUS_LIMITS.sliceEvents) return undefined;
    this.done = 1;
    if (this.batch.isAwaited() || Slices.pausing >= BUS_LIMITS.slicesPausing) return undefined;
    Slices.pausing += 1;
    const ended = Slices.pauses
      .then(() => this.wait(BUS_LIMITS.slicePauseMs, UNENDED))
      .then(() => {
        Slices.pausing -= 1;
      });
    Slices.pauses = ended;
    return ended;
  }
}

const pass: Wait = (ms) => delay(ms, true);
const UNENDED = new AbortController().signal;
