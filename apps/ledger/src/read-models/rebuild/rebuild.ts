import { emptyState } from '@bailiwick/authority/state/state';
import type { StoredBody } from '@bailiwick/authority/state/stored';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { integrate } from '../../follower/integrate';
import type { Rebuilt } from './status';
import type { RebuildStore, Touched } from './store';

/** Maximum events left for the switch-over, which blocks the live follower: some milliseconds of work. */
const CLOSE = 500;
/** bounds the attempts to catch up with a log that grows as fast as it is rebuilt */
const MOST_CHASES = 100;

/**
 * Rebuilds the read models of a log from position 0 in parallel to the current ones, compares both sets, and switches
 * over in one transaction. Signed heads are not read models and stay.
 *
 * After a crash before that transaction the current set stays in use, and the next rebuild removes the partial one. After
 * a crash after it the new set is in use, and the next rebuild removes the replaced one.
 */
export async function rebuild(log: string, eventlog: Pick<EventLog, 'read'>, store: RebuildStore): Promise<Rebuilt> {
  const started = performance.now();
  const rebuilder = new Rebuilder(log, eventlog, store);
  // never ahead of the live position, so that both sets contain the compared events
  for (let chase = 0; chase < MOST_CHASES; chase++) {
    const goal = await store.livePosition();
    await rebuilder.to(goal);
    if ((await store.livePosition()) - goal <= CLOSE) break;
  }
  const compared = await store.compare(rebuilder.next);
  rebuilder.touched = nothing();
  for (let chase = 0; chase < MOST_CHASES; chase++) {
    const goal = await store.livePosition();
    if (goal - rebuilder.next <= CLOSE) break;
    await rebuilder.to(goal);
  }
  return store.switchOver(async (live) => {
    await rebuilder.to(live);
    const late = await store.compareTouched(rebuilder.touched);
    return {
      events: rebuilder.next,
      seconds: Math.round(performance.now() - started) / 1_000,
      differences: compared.count + late.count,
      samples: [...compared.samples, ...late.samples].slice(0, LIMITS.sampleSize),
    };
  });
}

const nothing = (): Touched => ({ items: new Map(), revocations: new Set() });

/** Folds the log and writes the rows. While it folds one batch, it writes the previous and reads the next. */
class Rebuilder {
  /** the rows written since this was last cleared */
  touched = nothing();
  private readonly state;
  private frontier: readonly Buffer[] = [];

  constructor(
    private readonly log: string,
    private readonly eventlog: Pick<EventLog, 'read'>,
    private readonly store: RebuildStore,
  ) {
    const { tenant, n } = parseLogName(log);
    this.state = emptyState(log, tenant, n);
  }

  get next(): number {
    return this.state.next;
  }

  /** Rebuilds up to a position. */
  async to(goal: number): Promise<void> {
    let reading = this.read(this.next, goal);
    let writing = Promise.resolve();
    while (this.next < goal) {
      const from = this.next;
      const events = await reading;
      if (events.length === 0)
        throw new Error(`${this.log} has no position ${from}, but its read models are at ${goal}`);
      reading = this.read(from + events.length, goal);
      const { made, frontier } = integrate(this.state, this.frontier, events);
      this.frontier = frontier;
      for (const { kind, id } of made.items) this.touched.items.set(`${kind}/${id}`, [kind, id]);
      for (const { revocationId } of made.consequences) this.touched.revocations.add(revocationId);
      await writing;
      writing = this.store.write(from, this.next, made);
      writing.catch(() => undefined); // awaited below
    }
    await writing;
    await reading;
  }

  private read(from: number, goal: number): Promise<readonly StoredBody[]> {
    const most = Math.min(LIMITS.readBatchEvents, goal - from);
    const reading = most > 0 ? this.eventlog.read(this.log, from, most) : Promise.resolve([]);
    reading.catch(() => undefined);
    return reading;
  }
}
