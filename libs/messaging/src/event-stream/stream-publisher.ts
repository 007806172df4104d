import type { JetStreamManager } from 'nats';
import { z } from 'zod';
import { natsOf, type Bus } from '../connect';
import { BUS_LIMITS } from '../bus-limits';
import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import { EVENT_STREAM, toStreamMessages, type StreamMessage } from './event-message';
import { ensureEventStream, lastPublished, type EventStreamOptions } from './event-stream';

/** The answer of a server to a published message. @see NATS JetStream API, PubAck */
const pubAck = z.union([
  z.object({ error: z.object({ description: z.string() }) }),
  z.object({ seq: z.number().int() }),
]);

/** Where events are read from that are not held in memory. */
export interface PublishedLog {
  /** up to `limit` events from a position on, in order */
  read(log: string, from: number, limit: number): Promise<readonly EventWithoutPayload[]>;
  /** the next position of a log */
  head(log: string): Promise<number>;
}

interface Progress {
  /** the next position to publish; undefined until it is read from the stream */
  next: number | undefined;
  /** events that were offered and not yet published, in order and without gaps */
  held: EventWithoutPayload[];
  /** events from here on were offered: there is something to publish */
  offered: number;
}

/** What is held keeps neither payloads nor what the readers of the event share with it. */
const copyOf = ({ log, position, type, time, body }: EventWithoutPayload): EventWithoutPayload => ({
  log,
  position,
  type,
  time,
  body,
});

/**
 * Publishes the events of all logs to the event stream: each once, in the order of its log, without gaps.
 *
 * The stream itself records how far it has come: after a start, a lost connection or an error, the position of each log is
 * read from it. Every message names the stream sequence and the event that it expects before it, so the server stores a
 * batch from its start up to the first message that fails and nothing after that, also if two publishers run.
 *
 * A crash anywhere here loses nothing: what was stored is found in the stream, what was not is published again.
 *
 * It publishes while the stream has a consumer: a server stores an event for about as much time as a decision takes in a
 * batch, and without a consumer it is read by none. The first consumer receives the events before it from the log.
 */
export class StreamPublisher {
  private readonly logs = new Map<string, Progress>();
  private readonly due = new Set<string>();
  private sequence: number | undefined;
  private manager: JetStreamManager | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  private retrying: NodeJS.Timeout | undefined;
  /** whether the stream has a consumer; undefined until the server is asked, again at intervals */
  private isRead: boolean | undefined;
  private asking: NodeJS.Timeout | undefined;
  /** whether the last attempt failed, and was reported */
  private isFailing = false;
  private readonly unlisten: () => void;

  /** @param bus a dedicated connection: a full disk of the server stops every connection that uses the stream */
  constructor(
    private readonly bus: Bus,
    private readonly log: PublishedLog,
    private readonly warn: (message: string, cause: unknown) => void,
    private readonly options: EventStreamOptions = {},
  ) {
    this.unlisten = bus.onEvent((event) => {
      if (event.type !== 'connected') return;
      this.reset();
      this.start();
    });
  }

  /** Follows a log: it is published from where the stream ends. */
  follow(log: string): void {
    if (this.logs.has(log)) return;
    this.logs.set(log, { next: undefined, held: [], offered: 0 });
    this.mark(log);
  }

  /** Offers events that were just committed, so that they need not be read again. */
  offer(log: string, events: readonly EventWithoutPayload[]): void {
    const progress = this.logs.get(log);
    const last = events.at(-1);
    if (!progress || !last) return;
    progress.offered = Math.max(progress.offered, last.position + 1);
    if (this.isRead === false) return this.mark(log); // read from the log once there is a consumer
    const end = progress.held.at(-1)?.position;
    const isNext = end === undefined || events[0]?.position === end + 1;
    if (isNext && progress.held.length + events.length <= BUS_LIMITS.eventStreamHeld)
      progress.held.push(...events.map(copyOf));
    this.mark(log);
  }

  /** Events that are committed and not yet in the stream, as far as they were offered; they wait for a consumer. */
  get behind(): number {
    return [...this.logs.values()].reduce((sum, { next = 0, offered }) => sum + Math.max(0, offered - next), 0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retrying);
    clearTimeout(this.asking);
    this.unlisten();
    await this.running;
  }

  private mark(log: string): void {
    this.due.add(log);
    this.start();
  }

  private start(): void {
    if (this.running || this.retrying || this.stopped || this.isRead === false || this.due.size === 0) return;
    if (this.bus.status().state === 'connected') this.running = this.run();
  }

  private async run(): Promise<void> {
    try {
      await this.publishDue();
      this.isFailing = false;
    } catch (error) {
      this.retryLater(error);
    }
    this.running = undefined;
    this.start();
  }

  /** Waits before the next attempt, also if events are offered in the meantime, and reports an outage once. */
  private retryLater(error: unknown): void {
    if (!this.isFailing && !this.stopped)
      this.warn('events could not be published to the event stream; retrying', error);
    this.isFailing = true;
    this.reset();
    this.retrying = setTimeout(() => {
      this.retrying = undefined;
      this.start();
    }, BUS_LIMITS.eventStreamRetryMs).unref();
  }

  private async publishDue(): Promise<void> {
    const manager = await this.connected();
    for (;;) {
      const [log] = this.due;
      if (log === undefined || this.stopped || !(await this.hasConsumer(manager))) return;
      const progress = this.logs.get(log) as Progress;
      progress.next ??= await this.resumeAt(manager, log);
      // One batch per turn: a busy log does not hold up the others. Offers during the batch make the log due again.
      this.due.delete(log);
      const events = await this.nextEvents(log, progress);
      if (events.length === 0) continue;
      this.due.add(log);
      await this.publish(log, progress, events);
    }
  }

  private async connected(): Promise<JetStreamManager> {
    const timeout = BUS_LIMITS.eventStreamAckMs;
    this.manager ??= await natsOf(this.bus).nats.jetstreamManager({ checkAPI: false, timeout });
    this.sequence ??= await ensureEventStream(this.manager, this.options);
    return this.manager;
  }

  /** Asks at intervals whether the stream has a consumer, and starts again once it has. */
  private async hasConsumer(manager: JetStreamManager): Promise<boolean> {
    if (this.isRead !== undefined) return this.isRead;
    this.isRead = (await manager.streams.info(EVENT_STREAM)).state.consumer_count > 0;
    this.asking = setTimeout(() => {
      this.isRead = undefined;
      this.start();
    }, BUS_LIMITS.eventStreamAskMs).unref();
    return this.isRead;
  }

  private async resumeAt(manager: JetStreamManager, log: string): Promise<number> {
    const last = await lastPublished(manager, log);
    if (last !== undefined) return last + 1;
    return Math.max(0, (await this.log.head(log)) - BUS_LIMITS.eventStreamBackfill);
  }

  /** From memory if they continue where the stream ends, otherwise from the log. */
  private async nextEvents(log: string, progress: Progress): Promise<readonly EventWithoutPayload[]> {
    const next = progress.next as number;
    progress.held = progress.held.filter(({ position }) => position >= next);
    if (progress.held[0]?.position === next) return progress.held.slice(0, BUS_LIMITS.eventStreamBatch);
    progress.held = [];
    return this.log.read(log, next, BUS_LIMITS.eventStreamBatch);
  }

  /** One batch: only its last message is acknowledged, for it is stored only after all before it. */
  private async publish(log: string, progress: Progress, events: readonly EventWithoutPayload[]): Promise<void> {
    const { nats } = natsOf(this.bus);
    const messages = toStreamMessages(log, events, this.sequence as number);
    const last = messages.pop() as StreamMessage;
    for (const { subject, headers, payload } of messages) nats.publish(subject, payload, { headers });
    const { subject, headers, payload } = last;
    const ack = pubAck.parse(
      (await nats.request(subject, payload, { headers, timeout: BUS_LIMITS.eventStreamAckMs })).json(),
    );
    if ('error' in ack) throw new Error(`the event stream refused position ${progress.next}: ${ack.error.description}`);
    this.sequence = ack.seq;
    progress.next = (events.at(-1) as EventWithoutPayload).position + 1;
  }

  /** Forgets what is known of the stream: it is read again before the next message. */
  private reset(): void {
    this.manager = undefined;
    this.sequence = undefined;
    this.isRead = undefined;
    clearTimeout(this.asking);
    for (const progress of this.logs.values()) progress.next = undefined;
    for (const log of this.logs.keys()) this.due.add(log);
  }
}
