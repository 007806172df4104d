import { emptyState } from '@bailiwick/authority/state/state';
import type { StoredBody } from '@bailiwick/authority/state/stored';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { integrate } from '../../follower/integrate';
import type { Rebuilt } from './status';
import type { RebuildStore, Touched } from './store';

/** So few events are made good while the live follower waits: some milliseconds. */
const CLOSE = 500;
/** however fast the log grows, it is not chased for ever */
const MOST_CHASES = 100;

/**
 * Makes the read models of a log again, from position 0, beside those that are read; compares both, and puts the new
 * ones in their place in one transaction. Signed heads are no read model, and stay.
 *
 * Dying anywhere before that transaction: the old ones are read as before, and the next try removes what was left.
 * After it: the new ones are read, and the next try removes the old.
 */
export async function rebuild(log: string, eventlog: Pick<EventLog, 'read'>, store: RebuildStore): Promise<Rebuilt> {
  const started = performance.now();
  const maker = new Maker(log, eventlog, store);
  // the live ones are never passed, so that what is compared stands in both
  for (let chase = 0; chase < MOST_CHASES; chase++) {
    const goal = await store.livePosition();
    await maker.to(goal);
    if ((await store.livePosition()) - goal <= CLOSE) break;
  }
  const compared = await store.compare(maker.next);
  maker.touched = nothing();
  for (let chase = 0; chase < MOST_CHASES; chase++) {
    const goal = await store.livePosition();
    if (goal - maker.next <= CLOSE) break;
    await maker.to(goal);
  }
  return store.switchOver(async (live) => {
    await maker.to(live);
    const late = await store.compareTouched(maker.touched);
    return {
      events: maker.next,
      seconds: Math.round(performance.now() - started) / 1_000,
      differences: compared.count + late.count,
      samples: [...compared.samples, ...late.samples].slice(0, LIMITS.sampleSize),
    };
  });
}

const nothing = (): Touched => ({ items: new Map(), revocations: new Set() });

/** Folds the log and writes what it makes. While one batch is folded, the one before it is written and the next is read. */
class Maker {
  /** what was made since somebody put an empty one here */
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

  /** Makes what all events before a position make. */
  async to(goal: number): Promise<void> {
    let reading = this.read(this.next, goal);
    let writing = Promise.resolve();
    while (this.next < goal) {
      const from = this.next;
      const events = await reading;
      if (events.length === 0)
        throw new Error(`${this.log} has no position ${from}, but its read models stand at ${goal}`);
      reading = this.read(from + events.length, goal);
      const { made, frontier } = integrate(this.state, this.frontier, events);
      this.frontier = frontier;
      for (const { kind, id } of made.items) this.touched.items.set(`${kind}/${id}`, [kind, id]);
      for (const { revocationId } of made.consequences) this.touched.revocations.add(revocationId);
      await writing;
      writing = this.store.write(from, this.next, made);
      writing.catch(() => undefined); // told where it is waited for
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
