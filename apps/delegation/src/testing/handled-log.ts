import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { AppendEvent, AppendResult, Fence } from '@bailiwick/event-store/port';
import { MemoryEventLog } from '@bailiwick/event-store/memory';

type Commit = () => Promise<AppendResult>;
type Handling = (commit: Commit, events: readonly AppendEvent[]) => Promise<AppendResult>;

/** An append that has arrived and is held back. */
export interface Held {
  /** the events that arrived */
  readonly arrived: Promise<readonly AppendEvent[]>;
  release(): void;
}

/** An event log for fault tests: it can hold, lose or fail the next appends and reads. */
export class HandledLog extends MemoryEventLog {
  /** the acknowledged events, one entry per append */
  readonly acknowledged: (readonly AppendEvent[])[] = [];
  /** the number of attempted appends */
  tried = 0;
  readonly readFrom: number[] = [];
  private readonly handlings: Handling[] = [];
  private unreadable = 0;

  override async append(
    log: string,
    at: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter?: number,
  ): Promise<AppendResult> {
    this.tried += 1;
    const commit: Commit = () => super.append(log, at, events, fence, notAfter);
    const handling = this.handlings.shift();
    const result = await (handling ? handling(commit, events) : commit());
    if (result.ok) this.acknowledged.push(events);
    return result;
  }

  override read(log: string, from: number, limit: number): Promise<StoredEvent[]> {
    this.readFrom.push(from);
    if (this.unreadable === 0) return super.read(log, from, limit);
    this.unreadable -= 1;
    return Promise.reject(new Error('the database is away'));
  }

  /** Holds the next append until it is released. */
  hold(): Held {
    let arrive: (events: readonly AppendEvent[]) => void;
    let release = (): void => undefined;
    const arrived = new Promise<readonly AppendEvent[]>((resolve) => (arrive = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    this.handlings.push(async (commit, events) => {
      arrive(events);
      await released;
      return commit();
    });
    return { arrived, release };
  }

  /** The next append has an unknown outcome; `written` is the actual one. */
  loseNext(written: boolean): void {
    this.handlings.push(async (commit) => {
      if (written) await commit();
      return { ok: false, reason: 'unknown', detail: 'the connection broke' };
    });
  }

  /** The next append throws before anything is written. */
  throwNext(): void {
    this.handlings.push(() => Promise.reject(new Error('the driver gave up')));
  }

  /** Runs an action just before the next append. */
  beforeNext(act: () => Promise<unknown>): void {
    this.handlings.push(async (commit) => {
      await act();
      return commit();
    });
  }

  /** The next `times` reads fail. */
  failReads(times: number): void {
    this.unreadable = times;
  }
}
