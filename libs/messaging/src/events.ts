import {
  DiscardPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsError,
  type StreamConfig,
} from 'nats';
import { err, ok, type Result } from '@bailiwick/core/result';
import { toMessage, type Announcement } from './cloudevent';
import { natsOf, type Bus } from './connect';
import { BUS_LIMITS } from './limits';
import { ALL_EVENTS } from './subjects';

/**
 * The event stream: one message for each commit. It only notifies: PostgreSQL is the source of truth, and followers
 * read the log with or without notification.
 *
 * It is stored in the server's memory: its content is worthless after a restart, and nats-server 2.9 stops answering a
 * connection whose message it could not write to a full disk (its file store waits for a lock that it holds itself),
 * and any other that uses the stream. Those connections carry the decisions.
 */

export const EVENT_STREAM = 'BAILIWICK_EVENTS';

const STREAM_NOT_FOUND = 10059;
const NO_RESPONDERS = '503';

export interface EventPublisher {
  /** Creates the stream, or updates it to the current limits. @throws if the server has no JetStream */
  ensureStream(): Promise<void>;
  /**
   * Announces a commit. Never rejects: the error explains why it was not announced. A retry is not needed, since
   * followers find the commit by polling the log. A repeated announcement within `BUS_LIMITS.streamDedupeMs` has no
   * effect (`duplicate`).
   */
  announce(commit: Announcement): Promise<Result<{ readonly duplicate: boolean }, string>>;
}

/** @param replicas number of servers of a cluster that store the stream: 1, or 3 in a cluster of three */
export function eventPublisher(bus: Bus, options: { replicas?: number } = {}): EventPublisher {
  const { nats } = natsOf(bus);
  const config = streamConfig(options.replicas ?? 1);
  const jetstream = nats.jetstream({ timeout: BUS_LIMITS.announceAckMs });

  const ensureStream = async (): Promise<void> => {
    const manager = await nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.announceAckMs });
    await createOrUpdate(manager, config);
  };

  // A server that returns may have lost its store; nothing is announced until the stream exists again.
  bus.onEvent((event) => {
    if (event.type === 'connected') ensureStream().catch(() => undefined); // the next announcement tries again
  });

  const publish = async (commit: Announcement): Promise<{ duplicate: boolean }> => {
    const { subject, headers, payload } = toMessage(commit);
    const sent = { headers, expect: { streamName: EVENT_STREAM } };
    try {
      return await jetstream.publish(subject, payload, sent);
    } catch (error) {
      if ((error as NatsError).code !== NO_RESPONDERS) throw error;
      await ensureStream(); // the stream is gone, such as after the server lost its store
      return jetstream.publish(subject, payload, sent);
    }
  };

  let inFlight = 0;

  const announce: EventPublisher['announce'] = async (commit) => {
    // Waiting for an absent or slow server would fill the owner's memory; followers poll the log.
    if (bus.status().state !== 'connected') return err('not connected');
    if (inFlight >= BUS_LIMITS.announceInFlight) return err('too many announcements wait for the stream');
    inFlight += 1;
    try {
      const { duplicate } = await publish(commit);
      return ok({ duplicate });
    } catch (error) {
      return err((error as Error).message);
    } finally {
      inFlight -= 1;
    }
  };

  return { ensureStream, announce };
}

function streamConfig(replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: EVENT_STREAM,
    description: 'One message for each commit, for notification; the log itself is in PostgreSQL',
    subjects: [ALL_EVENTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.Memory,
    discard: DiscardPolicy.Old,
    max_age: nanos(BUS_LIMITS.streamAgeMs),
    max_bytes: BUS_LIMITS.streamBytes,
    max_msg_size: BUS_LIMITS.streamMessageBytes,
    duplicate_window: nanos(BUS_LIMITS.streamDedupeMs),
    num_replicas: replicas,
  };
}

/** Idempotent: several services may call it concurrently. */
async function createOrUpdate(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const present = await manager.streams.info(config.name).catch(absent);
  if (present?.config.storage === config.storage) {
    if (await manager.streams.update(config.name, config).catch(absent)) return; // another service may have removed it
  } else if (present) {
    // The storage of a stream cannot be changed. After a crash before it is added, the next announcement creates it.
    await manager.streams.delete(config.name).catch(absent);
  }
  await manager.streams.add(config);
}

function absent(error: unknown): undefined {
  if ((error as NatsError).api_error?.err_code !== STREAM_NOT_FOUND) throw noJetStream(error);
}

function noJetStream(error: unknown): Error {
  const { code, message } = error as NatsError;
  const why = code === NO_RESPONDERS ? 'the NATS server runs without JetStream: start it with --jetstream' : message;
  return new Error(`cannot create the event stream ${EVENT_STREAM}: ${why}`, { cause: error });
}
