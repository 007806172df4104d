import {
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import { EveryLog } from '@bailiwick/messaging/log-follower/every-log';
import { followDecisions } from '@bailiwick/platform/priority';
import { EVENT_LOG, LOGGER, type Logger } from '../connections/tokens';
import type { LogMonitor } from './log-monitor';
import { LogMonitorFactory } from './log-monitor.factory';

/** Monitors every log from the start of the application to its shutdown. */
@Injectable()
export class MonitorService implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly monitors = new Map<string, LogMonitor>();
  private readonly everyLog: EveryLog;

  constructor(
    factory: LogMonitorFactory,
    @Inject(EVENT_LOG) eventlog: Pick<EventLog, 'listLogs'>,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.everyLog = new EveryLog({
      list: () => eventlog.listLogs(),
      follow: (log) => {
        const monitor = factory.create(log);
        this.monitors.set(log, monitor);
        monitor.start();
      },
      onError: (error) => logger.warn({ err: error }, 'the list of logs could not be read'),
    });
  }

  get(log: string): LogMonitor | undefined {
    return this.monitors.get(log);
  }

  all(): ReadonlyMap<string, LogMonitor> {
    return this.monitors;
  }

  async onModuleInit(): Promise<void> {
    followDecisions();
    await this.everyLog.start();
  }

  onModuleDestroy(): void {
    this.everyLog.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.monitors.values()].map((monitor) => monitor.stop()));
  }
}
