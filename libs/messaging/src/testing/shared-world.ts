import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { followLog, type Batch, type Follower, type Problem, type SourceSink } from '../log-follower/follow-log';
import { SharedReading } from '../log-follower/shared-reading';
import { eventAt, onlyRetries } from './follow-world';

const LOG = 'default/0';
const GATHER_MS = 1;

/** A growing log and its announcements. Each connection counts what it is used for. */
export class SharedLog {
  length = 0;
  private readonly sinks = new Set<SourceSink>();

  append(count: number): void {
    this.length += count;
    for (const sink of [...this.sinks]) sink.head(this.length);
  }

  connection(): Connection {
    return new Connection(this, this.sinks);
  }
}

/** The connections of one consumer to the log. */
export class Connection {
  /** of each query that was answered, where it started */
  readonly reads: number[] = [];
  subscribed = 0;
  failing: (() => boolean) | undefined;
  /** what each query waits for */
  before: () => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly log: SharedLog,
    private readonly sinks: Set<SourceSink>,
  ) {}

  readonly source = {
    subscribe: (_log: string, sink: SourceSink) => {
      this.subscribed += 1;
      this.sinks.add(sink);
      return { stop: async () => void this.sinks.delete(sink) };
    },
  };

  readonly eventlog = {
    read: async (log: string, from: number, limit: number): Promise<StoredEvent[]> => {
      await this.before();
      if (this.failing?.()) throw new Error('no database');
      this.reads.push(from);
      const count = Math.max(0, Math.min(limit, this.log.length - from));
      return Array.from({ length: count }, (_, index) => eventAt(from + index, log));
    },
  };
}

/** A consumer whose result and position change in one step, as in one transaction. */
export class Consumer {
  position = 0;
  readonly handled: number[] = [];
  readonly events: StoredEvent[] = [];
  readonly problems: Problem[] = [];
  /** what it does before it stores a batch */
  before: (batch: Batch) => Promise<void> = () => Promise.resolve();
  private follower: Follower | undefined;

  constructor(readonly connection: Connection) {}

  /** Starts a process that follows the log from the stored position. */
  start(shared: SharedReading, maxBatch = 10): Follower {
    const reading = shared.reader(this.connection);
    let isCurrent = true;
    const follower = followLog({
      log: LOG,
      source: reading,
      read: (log, from, limit) => reading.read(log, from, limit),
      gather: (ms, signal) => reading.gather(LOG, ms, signal),
      gatherMs: GATHER_MS,
      maxBatch,
      start: async () => this.position,
      handle: async (batch) => {
        await this.before(batch);
        if (!isCurrent) throw new Error('the process is dead');
        this.commit(batch);
      },
      onProblem: (problem) => this.problems.push(problem),
      sleep: onlyRetries, // no poll: a lost announcement would not be noticed
    });
    this.follower = follower;
    this.kill = () => {
      isCurrent = false;
      return follower.stop();
    };
    return follower;
  }

  /** Ends the process: nothing that it still does has an effect. */
  kill: () => Promise<void> = () => Promise.resolve();

  async stop(): Promise<void> {
    await this.follower?.stop();
  }

  /** Stores a batch and its position. */
  private commit(batch: Batch): void {
    if (batch.from !== this.position) throw new Error(`stored position is ${this.position}, not ${batch.from}`);
    this.handled.push(...batch.events.map(({ position }) => position));
    this.events.push(...batch.events);
    this.position = batch.next;
  }
}
