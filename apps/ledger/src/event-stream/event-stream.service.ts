import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import { StreamPublisher } from '@bailiwick/messaging/event-stream/stream-publisher';
import { EVENTS_USER } from '@bailiwick/messaging/subjects';
import type { Config } from '@bailiwick/platform/config';
import { CONFIG, EVENT_LOG, WARN, type Warn } from '../connections/tokens';

const RETRY_MS = 2_000;
/** of one attempt: a shutdown waits for it */
const CONNECT_MS = 2_000;

/**
 * Publishes every stored event to the event stream for subscribers. It has a dedicated NATS connection, and nothing
 * waits for it: the ledger starts, stores and answers whether or not the stream can be reached.
 */
@Injectable()
export class EventStreamService implements OnModuleInit, OnApplicationShutdown {
  private readonly logs = new Set<string>();
  private readonly stopped = new AbortController();
  private publisher: StreamPublisher | undefined;
  private bus: Bus | undefined;
  private connecting: Promise<void> | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'eventStream'>,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'read' | 'head'>,
    @Inject(WARN) private readonly warn: Warn,
  ) {}

  onModuleInit(): void {
    if (this.config.eventStream) this.connecting = this.connect(this.config.eventStream);
  }

  /** Publishes a log from where the stream ends. */
  follow(log: string): void {
    this.logs.add(log);
    this.publisher?.follow(log);
  }

  /** Offers events that were just stored, so that they need not be read again. */
  offer(log: string, events: readonly EventWithoutPayload[]): void {
    this.publisher?.offer(log, events);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped.abort();
    await this.connecting;
    await this.publisher?.stop();
    await this.bus?.drain();
  }

  private async connect({ url, user, pass, replicas }: NonNullable<Config['eventStream']>): Promise<void> {
    for (let attempt = 1; !this.stopped.signal.aborted; attempt += 1) {
      try {
        this.bus = await connectBus({
          url,
          user,
          pass,
          name: 'ledger-events',
          inboxPrefix: `_INBOX.${EVENTS_USER}`,
          connectMs: CONNECT_MS,
        });
        this.publisher = new StreamPublisher(this.bus, this.eventlog, this.warn, { replicas });
        for (const log of this.logs) this.publisher.follow(log);
        return;
      } catch (error) {
        if (attempt === 1) this.warn('the event stream cannot be reached; retrying', error);
        await delay(RETRY_MS, undefined, { signal: this.stopped.signal }).catch(() => undefined);
      }
    }
  }
}
