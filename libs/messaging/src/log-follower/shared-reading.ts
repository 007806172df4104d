import { shareParsing } from '@bailiwick/contracts/events/shared-parsing';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { BUS_LIMITS } from '../bus-limits';
import { sleepFor, type EventSource, type FollowOptions, type SourceSink, type Wait } from './follow-log';

/** With what one consumer follows logs, apart from where it stores its position. */
export interface LogReading extends EventSource {
  read: FollowOptions['read'];
  /** waits until the events of a log have gathered, or the signal ends the wait */
  gather(log: string, ms: number, signal: AbortSignal): Promise<boolean>;
}

/** The connections of one consumer. */
export interface ReadingConnections {
  readonly source: EventSource;
  readonly eventlog: { read: FollowOptions['read'] };
}

/**
 * Has several consumers in one process read each log together: one subscription, one wait for further events, one query
 * and one parsing of what it returns. Each consumer has its own follower and its own position: one that is behind, or
 * repeats a batch that failed, reads for itself and delays no other, and its next read at the end of the log is shared
 * again. A query that takes longer than `BUS_LIMITS.sharedReadMs` is not shared, so that a slow connection of one
 * consumer delays the others by no more than that. Nothing is kept between reads.
 */
export class SharedReading {
  private readonly subscriptions = new Map<string, SharedSubscription>();
  private readonly gatherings = new Map<string, Gathering>();
  private readonly asked = new Map<string, Asked[]>();

  /** @param wait waits while the query for all is under way; for tests */
  constructor(private readonly wait: Wait = sleepFor) {}

  /** Returns what one consumer reads logs with. */
  reader({ source, eventlog }: ReadingConnections): LogReading {
    return {
      subscribe: (log, sink) => this.subscribe(log, source, sink),
      read: (log, from, limit) => this.read(log, { from, limit, read: () => eventlog.read(log, from, limit) }),
      gather: (log, ms, signal) => this.gather(log, ms, signal),
    };
  }

  private subscribe(log: string, source: EventSource, sink: SourceSink): { stop(): Promise<void> } {
    let shared = this.subscriptions.get(log);
    if (!shared) this.subscriptions.set(log, (shared = new SharedSubscription(log)));
    return shared.add(source, sink);
  }

  /** The first consumer starts the time; the others that start to wait before its end wait for the rest of it. */
  private gather(log: string, ms: number, signal: AbortSignal): Promise<boolean> {
    let gathering = this.gatherings.get(log);
    if (!gathering) {
      gathering = new Gathering(ms, () => this.gatherings.delete(log));
      this.gatherings.set(log, gathering);
    }
    return gathering.wait(signal);
  }

  /** Joins the reads that are requested before the next turn of the event loop, as those are that gathered together. */
  private read(log: string, asked: Pick<Asked, 'from' | 'limit' | 'read'>): Promise<readonly StoredEvent[]> {
    return new Promise((resolve, reject) => {
      const all = this.asked.get(log) ?? [];
      all.push({ ...asked, resolve, reject });
      if (all.length > 1) return;
      this.asked.set(log, all);
      setImmediate(() => {
        this.asked.delete(log);
        void readTogether(all, this.wait);
      });
    });
  }
}

interface Asked {
  readonly from: number;
  readonly limit: number;
  /** reads with the connection of the consumer that asks */
  readonly read: () => Promise<readonly StoredEvent[]>;
  readonly resolve: (events: readonly StoredEvent[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads for the consumer that is furthest behind, and passes to the others the part from their positions on, if it
 * extends to the end of the log: only then does a short part mean what a short read means. The query starts after all
 * of them asked, so none misses an event that was announced before. The others read for themselves if it fails or takes
 * too long, so that the trouble of one connection is the trouble of one consumer.
 */
async function readTogether(all: readonly Asked[], wait: Wait): Promise<void> {
  const [first, ...others] = [...all].sort((one, other) => one.from - other.from) as [Asked, ...Asked[]];
  const alone = (asked: Asked): Promise<void> => asked.read().then(asked.resolve, asked.reject);
  if (others.length === 0) return alone(first);
  const events = await readForAll(first, wait);
  const isEnd = events !== undefined && events.length < first.limit;
  await Promise.all(
    others.map(async (asked) => {
      const isSame = asked.from === first.from && asked.limit === first.limit;
      const part = isSame ? events : events?.filter(({ position }) => position >= asked.from);
      if (part && (isSame || (isEnd && part.length < asked.limit))) asked.resolve(part);
      else await alone(asked);
    }),
  );
}

/**
 * Reads for one consumer, which receives its result or its error whenever it arrives. Returns the events if the others
 * may have them, too: undefined if the read failed or is not finished in time.
 */
async function readForAll(first: Asked, wait: Wait): Promise<readonly StoredEvent[] | undefined> {
  const finished = new AbortController();
  let isLate = false;
  const read = async (): Promise<readonly StoredEvent[] | undefined> => {
    try {
      const events = await first.read();
      if (!isLate) shareParsing(events);
      first.resolve(events);
      return events;
    } catch (error) {
      first.reject(error);
      return undefined;
    }
  };
  const late = async (): Promise<undefined> => {
    await wait(BUS_LIMITS.sharedReadMs, finished.signal);
    isLate = true;
  };
  const events = await Promise.race([read(), late()]);
  finished.abort();
  return events;
}

/** Passes the notifications of one subscription to all consumers of a log. */
class SharedSubscription {
  private readonly members = new Map<SourceSink, EventSource>();
  private subscribed: { readonly by: SourceSink; readonly subscription: { stop(): Promise<void> } } | undefined;

  constructor(private readonly log: string) {}

  add(source: EventSource, sink: SourceSink): { stop(): Promise<void> } {
    this.members.set(sink, source);
    if (!this.subscribed) this.subscribe(sink, source);
    return { stop: () => this.remove(sink) };
  }

  private subscribe(sink: SourceSink, source: EventSource): void {
    const each = (notify: (sink: SourceSink) => void): void => [...this.members.keys()].forEach(notify);
    const subscription = source.subscribe(this.log, {
      head: (next) => each((member) => member.head(next)),
      gap: () => each((member) => member.gap()),
    });
    this.subscribed = { by: sink, subscription };
  }

  /** Another consumer's connection takes over if the one that stops had the subscription; what it may miss is a gap. */
  private async remove(sink: SourceSink): Promise<void> {
    this.members.delete(sink);
    const { subscribed } = this;
    if (subscribed?.by !== sink) return;
    this.subscribed = undefined;
    const next = this.members.entries().next().value;
    if (next) {
      this.subscribe(...next);
      for (const member of this.members.keys()) member.gap();
    }
    await subscribed.subscription.stop();
  }
}

/** One wait that any number of consumers share; one that is in a hurry leaves it. */
class Gathering {
  private readonly waiting = new Set<(passed: boolean) => void>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    ms: number,
    private readonly ended: () => void,
  ) {
    this.timer = setTimeout(() => this.end(), ms);
  }

  wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (): void => {
        this.waiting.delete(done);
        if (this.waiting.size === 0) this.end();
        resolve(false);
      };
      const done = (passed: boolean): void => {
        signal.removeEventListener('abort', leave);
        resolve(passed);
      };
      this.waiting.add(done);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  private end(): void {
    clearTimeout(this.timer);
    this.ended();
    for (const done of this.waiting) done(true);
  }
}
