import { Inject, Injectable } from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import type { Bus } from '@bailiwick/messaging/connect';
import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';
import type { LogReading } from '@bailiwick/messaging/log-follower/shared-reading';
import { BUS, EVENT_LOG, EVENT_SOURCE, LOG_READING, LOGGER, type Logger } from '../connections/tokens';
import { IntentStore } from './intent-store';
import { LogMonitor } from './log-monitor';

@Injectable()
export class LogMonitorFactory {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
    @Inject(EVENT_SOURCE) private readonly source: EventSource,
    @Inject(LOG_READING) private readonly reading: LogReading | undefined,
    private readonly store: IntentStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  create(log: string): LogMonitor {
    const { bus, eventlog, source, reading, store } = this;
    return new LogMonitor({
      log,
      bus,
      eventlog,
      source,
      reading,
      store,
      warn: (message, cause) => this.logger.warn({ err: cause, log }, message),
    });
  }
}
