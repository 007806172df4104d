import {
  DiscardPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsError,
  type StreamConfig,
} from 'nats';
import { messageId, toMessage, type AnnouncedEvent } from './cloudevent';
import { natsOf, type Bus } from './connect';
import { BUS_LIMITS } from './limits';
import { ALL_EVENTS } from './subjects';

/**
 * The event stream. It notifies: PostgreSQL is the truth, JetStream acknowledges before it syncs to disk, and whoever
 * follows fills what it lost from the log.
 */

export const EVENT_STREAM = 'BAILIWICK_EVENTS';

const STREAM_NOT_FOUND = 10059;

export interface PublishReport {
  readonly published: number;
  /** of those published, what the stream had already */
  readonly duplicates: number;
  /** not announced; followers find them when they next look into the log */
  readonly failed: readonly { readonly id: string; readonly detail: string }[];
}

export interface EventPublisher {
  /** Makes the stream, or brings it to the present limits. Throws where the server has no JetStream. */
  ensureStream(): Promise<void>;
  /**
   * Announces committed events, in order. Never throws for what the network does and need not be retried. Publishing
   * an event again within `BUS_LIMITS.streamDedupeMs` changes nothing.
   */
  publishEvents(events: readonly AnnouncedEvent[]): Promise<PublishReport>;
}

/** @param replicas how many servers of a cluster keep the stream: 1, or 3 in a cluster of three */
export function eventPublisher(bus: Bus, options: { replicas?: number } = {}): EventPublisher {
  const { nats } = natsOf(bus);
  const config = streamConfig(options.replicas ?? 1);
  const jetstream = nats.jetstream({ timeout: BUS_LIMITS.publishAckMs });

  const ensureStream = async (): Promise<void> => {
    const manager = await nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.publishAckMs });
    await createOrUpdate(manager, config);
  };

  // A server that comes back may have lost its store; until the stream is there again nothing is announced.
  bus.onEvent((event) => {
    if (event.type === 'connected') ensureStream().catch(() => undefined); // the next publication tries again
  });

  let inFlight = 0;

  // Everything up to the first `await` runs at once, so events go out in the order they are given, over all calls.
  const publishOne = async (event: AnnouncedEvent): Promise<Outcome> => {
    const id = messageId(event);
    // Waiting for a server that isn't there, or is slow, would fill the owner's memory; followers look into the log.
    if (bus.status().state !== 'connected') return { event, id, kind: 'failed', detail: 'not connected' };
    if (inFlight >= BUS_LIMITS.publishInFlight)
      return { event, id, kind: 'failed', detail: 'too many wait for the stream' };
    inFlight += 1;
    try {
      const { subject, headers, payload } = toMessage(event);
      const ack = await jetstream.publish(subject, payload, { headers, expect: { streamName: EVENT_STREAM } });
      return { event, id, kind: ack.duplicate ? 'duplicate' : 'published' };
    } catch (error) {
      const { code, message } = error as NatsError;
      // No responders: the stream is gone, such as after the server lost its store.
      return { event, id, kind: code === '503' ? 'no-stream' : 'failed', detail: message };
    } finally {
      inFlight -= 1;
    }
  };

  const publish = async (events: readonly AnnouncedEvent[]): Promise<Outcome[]> => {
    const outcomes = await Promise.all(events.map(publishOne));
    if (!outcomes.some(({ kind }) => kind === 'no-stream')) return outcomes;
    try {
      await ensureStream();
    } catch {
      return outcomes;
    }
    return Promise.all(
      outcomes.map((outcome) => (outcome.kind === 'no-stream' ? publishOne(outcome.event) : Promise.resolve(outcome))),
    );
  };

  return {
    ensureStream,
    async publishEvents(events) {
      const outcomes = await publish(events);
      const failed = outcomes.filter(({ kind }) => kind === 'failed' || kind === 'no-stream');
      return {
        published: outcomes.length - failed.length,
        duplicates: outcomes.filter(({ kind }) => kind === 'duplicate').length,
        failed: failed.map(({ id, detail }) => ({ id, detail: detail ?? '' })),
      };
    },
  };
}

interface Outcome {
  event: AnnouncedEvent;
  id: string;
  kind: 'published' | 'duplicate' | 'no-stream' | 'failed';
  detail?: string;
}

function streamConfig(replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: EVENT_STREAM,
    description: 'Committed events, for notification; the log itself is in PostgreSQL',
    subjects: [ALL_EVENTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(BUS_LIMITS.streamAgeMs),
    max_bytes: BUS_LIMITS.streamBytes,
    max_msg_size: BUS_LIMITS.streamMessageBytes,
    duplicate_window: nanos(BUS_LIMITS.streamDedupeMs),
    num_replicas: replicas,
  };
}

/** Several services may do this at once: adding the stream as it is already is no error. */
async function createOrUpdate(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.info(config.name);
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== STREAM_NOT_FOUND) throw noJetStream(error);
    await manager.streams.add(config);
    return;
  }
  await manager.streams.update(config.name, config);
}

function noJetStream(error: unknown): Error {
  const { code, message } = error as NatsError;
  const why = code === '503' ? 'the NATS server runs without JetStream: start it with --jetstream' : message;
  return new Error(`the event stream ${EVENT_STREAM} can't be made: ${why}`, { cause: error });
}
