import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';
import type { LogReading } from '@bailiwick/messaging/log-follower/shared-reading';
import { EVENT_SOURCE, LOG_KEY, LOG_READING, LOGGER, type Logger } from '../connections/tokens';
import { EventStreamService } from '../event-stream/event-stream.service';
import { Sources } from '../connections/sources';
import { LogLedger } from './log-ledger';

/** `CheckpointSettings` */
export const CHECKPOINT_SETTINGS = Symbol('CHECKPOINT_SETTINGS');
export interface CheckpointSettings {
  /** the first part of every log's origin in its checkpoints */
  readonly origin: string;
  /** the number of witnesses that cosign each checkpoint */
  readonly witnesses: number;
}

@Injectable()
export class LogLedgerFactory {
  constructor(
    @Inject(CHECKPOINT_SETTINGS) private readonly settings: CheckpointSettings,
    @Inject(LOG_KEY) private readonly key: KeyObject,
    @Inject(EVENT_SOURCE) private readonly source: EventSource,
    @Inject(LOG_READING) private readonly reading: LogReading | undefined,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly sources: Sources,
    private readonly stream: EventStreamService,
  ) {}

  create(log: string): LogLedger {
    const { settings, key, source, reading, logger, stream } = this;
    stream.follow(log);
    const { eventlog, store } = this.sources;
    return new LogLedger({
      ...settings,
      log,
      key,
      eventlog,
      store,
      source,
      reading,
      stored: (events) => stream.offer(log, events),
      warn: (message, cause) => logger.warn({ err: cause, log }, message),
    });
  }
}
