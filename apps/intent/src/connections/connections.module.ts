import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import type { EventLog } from '@bailiwick/event-store/port';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { subjectSource } from '@bailiwick/messaging/commit-notifications';
import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';
import type { SharedReading } from '@bailiwick/messaging/log-follower/shared-reading';
import type { Config } from '@bailiwick/platform/config';
import { IntentStore } from '../monitor/intent-store';
import { BUS, CONFIG, DATABASE, EVENT_LOG, EVENT_SOURCE, LOG_READING, LOGGER, type Logger } from './tokens';

const EVENT_LOG_CONNECTIONS = 4;

const PROVIDERS: Provider[] = [
  {
    provide: BUS,
    useFactory: ({ nats }: Config) => connectBus({ ...nats, name: 'intent', inboxPrefix: '_INBOX.intent' }),
    inject: [CONFIG],
  },
  { provide: EVENT_SOURCE, useFactory: (bus: Bus) => subjectSource(bus), inject: [BUS] },
  {
    provide: EVENT_LOG,
    useFactory: ({ databaseUrl }: Config, logger: Logger) =>
      new PostgresEventLog(databaseUrl, {
        max: EVENT_LOG_CONNECTIONS,
        onError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
      }),
    inject: [CONFIG, LOGGER],
  },
  { provide: DATABASE, useExisting: EVENT_LOG },
  { provide: IntentStore, useFactory: ({ databaseUrl }: Config) => IntentStore.open(databaseUrl), inject: [CONFIG] },
];

/**
 * Provides configuration and connections to every module. They open before any other module starts and close after all
 * have stopped, because Nest initializes global modules first and shuts them down last.
 */
@Global()
@Module({})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(EVENT_LOG) private readonly eventlog: PostgresEventLog,
    private readonly store: IntentStore,
  ) {}

  static forRoot(config: Config, logger: Logger, shared?: SharedReading): DynamicModule {
    const providers: Provider[] = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: logger },
      ...PROVIDERS,
      {
        provide: LOG_READING,
        useFactory: (eventlog: EventLog, source: EventSource) => shared?.reader({ eventlog, source }),
        inject: [EVENT_LOG, EVENT_SOURCE],
      },
    ];
    return {
      module: ConnectionsModule,
      providers,
      exports: providers.map((each) => ('provide' in each ? each.provide : each)),
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.bus.drain();
    await this.store.close();
    await this.eventlog.close();
  }
}
