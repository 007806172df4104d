import {
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { EventLog } from '@bailiwick/event-store/port';
import { followDecisions } from '@bailiwick/platform/priority';
import { EVENT_LOG, LOGGER, type Logger } from '../connections/tokens';
import type { LogMonitor } from './log-monitor';
import { LogMonitorFactory } from './log-monitor.factory';

const NEW_LOGS_MS = 500;

/** Monitors every log, including logs created later, from the start of the application to its shutdown. */
@Injectable()
export class MonitorService implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly monitors = new Map<string, LogMonitor>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly factory: LogMonitorFactory,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'listLogs'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  get(log: string): LogMonitor | undefined {
    return this.monitors.get(log);
  }

  all(): ReadonlyMap<string, LogMonitor> {
    return this.monitors;
  }

  async onModuleInit(): Promise<void> {
    followDecisions();
    await this.followNewLogs();
    this.timer = setInterval(
      () =>
        void this.followNewLogs().catch((error: unknown) =>
          this.logger.warn({ err: error }, 'the list of logs could not be read'),
        ),
      NEW_LOGS_MS,
    );
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.monitors.values()].map((monitor) => monitor.stop()));
  }

  private async followNewLogs(): Promise<void> {
    for (const log of await this.eventlog.listLogs()) {
      if (this.monitors.has(log)) continue;
      const monitor = this.factory.create(log);
      this.monitors.set(log, monitor);
      monitor.start();
    }
  }
}
