import {
  DiscardPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsError,
  type StreamConfig,
} from 'nats';
import { BUS_LIMITS } from '../bus-limits';
import { streamOfLog } from '../subjects';
import { ALL_STREAM_SUBJECTS, EVENT_STREAM, positionOf } from './event-message';

const STREAM_NOT_FOUND = 10_059;
const MESSAGE_NOT_FOUND = 10_037;

export interface EventStreamOptions {
  /** servers of a cluster that store the stream: 1, or 3 in a cluster of three */
  readonly replicas?: number;
  readonly maxBytes?: number;
}

/** Creates the stream, or updates it to the present limits. @returns the sequence of its last message */
export async function ensureEventStream(manager: JetStreamManager, options: EventStreamOptions = {}): Promise<number> {
  const config = configOf(options);
  const present = await manager.streams.info(EVENT_STREAM).catch(unless(STREAM_NOT_FOUND));
  if (present?.config.storage === config.storage) await manager.streams.update(EVENT_STREAM, config);
  else {
    // Earlier versions announced commits in a stream of this name, stored in memory: nothing of it is needed.
    if (present) await manager.streams.delete(EVENT_STREAM);
    await manager.streams.add(config);
  }
  return (await manager.streams.info(EVENT_STREAM)).state.last_seq;
}

/** The position of the last event of a log in the stream; undefined if the stream has none. */
export async function lastPublished(manager: JetStreamManager, log: string): Promise<number | undefined> {
  const last = await manager.streams
    .getMessage(EVENT_STREAM, { last_by_subj: streamOfLog(log) })
    .catch(unless(MESSAGE_NOT_FOUND));
  return last && positionOf(log, last.header);
}

function configOf({ replicas = 1, maxBytes = BUS_LIMITS.eventStreamBytes }: EventStreamOptions): StreamConfig {
  return {
    name: EVENT_STREAM,
    description: 'Every event of every log, in order. A subscriber that comes too late reads the log (GET /v1/events).',
    subjects: [ALL_STREAM_SUBJECTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(BUS_LIMITS.eventStreamAgeMs),
    max_bytes: maxBytes,
    max_msgs_per_subject: BUS_LIMITS.eventStreamPerSubject,
    max_msg_size: BUS_LIMITS.payloadBytes,
    duplicate_window: nanos(BUS_LIMITS.eventStreamDedupeMs),
    num_replicas: replicas,
  } as StreamConfig;
}

const unless =
  (code: number) =>
  (error: unknown): undefined => {
    if ((error as NatsError).api_error?.err_code !== code) throw error;
  };
