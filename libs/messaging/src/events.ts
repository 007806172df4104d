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
 * The event stream: one message for each commit. It notifies: PostgreSQL is the truth, and whoever follows reads the
 * log, told or not.
 *
 * It is kept in the server's memory: what it says is worth nothing after a restart, and nats-server 2.9 never answers a
 * connection again whose message it could not write to a full disk (its file store waits for a lock it holds itself),
 * nor any other that has to do with the stream. Those connections carry the decisions.
 */

export const EVENT_STREAM = 'BAILIWICK_EVENTS';

const STREAM_NOT_FOUND = 10059;
const NO_RESPONDERS = '503';

export interface EventPublisher {
  /** Makes the stream, or brings it to the present limits. Throws where the server has no JetStream. */
  ensureStream(): Promise<void>;
  /**
   * Announces a commit. Never rejects: an error says in words why it was not announced, and need not be retried, for
   * followers find the commit when they next look into the log. Announcing it again within
   * `BUS_LIMITS.streamDedupeMs` changes nothing (`duplicate`).
   */
  announce(commit: Announcement): Promise<Result<{ readonly duplicate: boolean }, string>>;
}

/** @param replicas how many servers of a cluster keep the stream: 1, or 3 in a cluster of three */
export function eventPublisher(bus: Bus, options: { replicas?: number } = {}): EventPublisher {
  const { nats } = natsOf(bus);
  const config = streamConfig(options.replicas ?? 1);
  const jetstream = nats.jetstream({ timeout: BUS_LIMITS.announceAckMs });

  const ensureStream = async (): Promise<void> => {
    const manager = await nats.jetstreamManager({ checkAPI: false, timeout: BUS_LIMITS.announceAckMs });
    await createOrUpdate(manager, config);
  };

  // A server that comes back may have lost its store; until the stream is there again nothing is announced.
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
    // Waiting for a server that isn't there, or is slow, would fill the owner's memory; followers look into the log.
    if (bus.status().state !== 'connected') return err('not connected');
    if (inFlight >= BUS_LIMITS.announceInFlight) return err('too many wait for the stream');
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

/** Several services may do this at once: adding the stream as it is already is no error. */
async function createOrUpdate(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  const present = await manager.streams.info(config.name).catch(absent);
  if (present?.config.storage === config.storage) {
    if (await manager.streams.update(config.name, config).catch(absent)) return; // or another has just removed it
  } else if (present) {
    // Where a stream is kept cannot be changed. A crash before it is added: whoever announces next makes it.
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
  return new Error(`the event stream ${EVENT_STREAM} can't be made: ${why}`, { cause: error });
}
