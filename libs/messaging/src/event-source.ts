import {
  createInbox,
  AckPolicy,
  DeliverPolicy,
  nanos,
  nuid,
  ReplayPolicy,
  type Msg,
  type NatsConnection,
  type Subscription,
} from 'nats';
import { fromMessage } from './cloudevent';
import { natsOf, type Bus } from './connect';
import { EVENT_STREAM } from './events';
import type { EventSource, SourceSink } from './log-follower/follow-log';
import { BUS_LIMITS } from './limits';
import { eventSubject } from './subjects';

/**
 * Notifies a follower from the event stream. It subscribes to new messages only and keeps no state in the server: after
 * any possible loss of the connection, the consumer or the stream it creates a new consumer and makes the follower poll
 * the log. A server that returns with an empty store therefore costs one poll.
 */
export function jetStreamSource(bus: Bus): EventSource {
  return { subscribe: (log, sink) => new LogConsumer(bus, log, sink) };
}

/**
 * Notifies a follower directly from the subject, without the stream: it needs only the permission to subscribe. A poll
 * of the log finds commits whose notification was lost.
 */
export function subjectSource(bus: Bus): EventSource {
  return {
    subscribe: (log, sink) => {
      const { nats } = natsOf(bus);
      const subscription = nats.subscribe(eventSubject(log), {
        callback: (error, msg) => {
          if (error) return; // not permitted: the bus reports it; the follower polls
          const commit = fromMessage(msg);
          if (commit) sink.head(commit.next);
        },
      });
      const unlisten = bus.onEvent((event) => {
        if (event.type === 'connected') sink.gap();
      });
      // covers commits before the server registered the subscription
      nats.flush().then(
        () => sink.gap(),
        () => undefined, // the connection is lost: `connected` follows
      );
      return {
        stop: async () => {
          unlisten();
          if (!nats.isClosed()) subscription.unsubscribe();
        },
      };
    },
  };
}

class LogConsumer {
  private readonly nats: NatsConnection;
  private readonly inboxPrefix: string | undefined;
  private readonly connected: () => boolean;
  private subscription: Subscription | undefined;
  private consumer: string | undefined;
  private heardAt = 0;
  private stopped = false;
  private starting: Promise<void> | undefined;
  private again = false;
  private readonly timer: NodeJS.Timeout;
  private readonly unlisten: () => void;

  constructor(
    bus: Bus,
    private readonly log: string,
    private readonly sink: SourceSink,
  ) {
    const connection = natsOf(bus);
    this.connected = () => bus.status().state === 'connected';
    this.nats = connection.nats;
    this.inboxPrefix = connection.inboxPrefix;
    this.unlisten = bus.onEvent((event) => {
      if (event.type !== 'connected') return;
      this.again = true; // the consumer being created may belong to the lost connection
      void this.start();
    });
    this.timer = setInterval(() => this.check(), BUS_LIMITS.sourceRetryMs);
    this.timer.unref();
    void this.start();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.unlisten();
    await this.starting;
    const consumer = this.consumer;
    this.close();
    if (!consumer || !this.connected()) return;
    // After a crash here, or without a response, the server drops the inactive consumer itself.
    const manager = await this.nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.sourceRetryMs });
    await manager.consumers.delete(EVENT_STREAM, consumer).catch(() => undefined);
  }

  /** Starts a new consumer if heartbeats stopped, since it is gone, or if there is none, since its creation failed. */
  private check(): void {
    if (performance.now() - this.heardAt > 3 * BUS_LIMITS.sourceHeartbeatMs || !this.subscription) void this.start();
  }

  private async start(): Promise<void> {
    if (this.starting || this.stopped || !this.connected()) return;
    this.again = false;
    this.close();
    this.starting = this.consume().catch(() => undefined); // no stream: `check` retries; the follower polls
    await this.starting;
    this.starting = undefined;
    if (this.stopped) return;
    this.sink.gap();
    if (this.again) await this.start();
  }

  private async consume(): Promise<void> {
    const name = `follow-${nuid.next()}`;
    const inbox = createInbox(this.inboxPrefix);
    // Subscribing before the consumer is created, and polling the log afterwards, leaves no gap.
    const subscription = this.nats.subscribe(inbox, {
      callback: (error, msg) => (error ? this.close() : this.take(subscription, msg)),
    });
    try {
      const manager = await this.nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.sourceRetryMs });
      await manager.consumers.add(EVENT_STREAM, {
        name,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- the heartbeats of a push consumer reveal losses
        deliver_subject: inbox,
        filter_subject: eventSubject(this.log),
        deliver_policy: DeliverPolicy.New,
        replay_policy: ReplayPolicy.Instant,
        ack_policy: AckPolicy.None,
        flow_control: true,
        idle_heartbeat: nanos(BUS_LIMITS.sourceHeartbeatMs),
        inactive_threshold: nanos(5 * BUS_LIMITS.sourceHeartbeatMs),
        mem_storage: true,
        num_replicas: 1,
      });
    } catch (error) {
      if (!this.nats.isClosed()) subscription.unsubscribe();
      throw error;
    }
    this.heardAt = performance.now();
    this.subscription = subscription;
    this.consumer = name;
  }

  private take(subscription: Subscription, msg: Msg): void {
    if (this.stopped || (this.subscription !== undefined && this.subscription !== subscription)) return;
    this.heardAt = performance.now();
    if (msg.headers?.code === 100) return this.control(msg);
    const commit = fromMessage(msg);
    if (commit?.log === this.log) this.sink.head(commit.next);
  }

  /** Answers flow control; otherwise the server stops sending. @see NATS ADR-15 on ordered push consumers */
  private control(msg: Msg): void {
    if (msg.reply) {
      msg.respond();
      return;
    }
    const stalled = msg.headers?.get('Nats-Consumer-Stalled');
    if (stalled) this.nats.publish(stalled);
  }

  private close(): void {
    if (this.subscription && !this.nats.isClosed()) this.subscription.unsubscribe();
    this.subscription = undefined;
    this.consumer = undefined;
  }
}
