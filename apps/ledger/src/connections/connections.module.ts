import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import type { PeopleNames } from '@bailiwick/event-store/people';
import type { EventLog } from '@bailiwick/event-store/port';
import { PostgresPeople } from '@bailiwick/event-store/postgres/people';
import { WebhookDeliveries } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { subjectSource } from '@bailiwick/messaging/commit-notifications';
import type { EventSource } from '@bailiwick/messaging/log-follower/follow-log';
import type { SharedReading } from '@bailiwick/messaging/log-follower/shared-reading';
import type { Config } from '@bailiwick/platform/config';
import { privateKeyIn, readPrivateKey } from '@bailiwick/platform/keys/private-key';
import { readWitnessConfig } from '@bailiwick/platform/keys/witness-config';
import { LedgerStore } from '../read-models/store';
import { Sources } from './sources';
import {
  BUS,
  CONFIG,
  DATABASE,
  DATABASE_URL,
  EVENT_LOG,
  EVENT_SOURCE,
  LOG_KEY,
  LOG_READING,
  LOGGER,
  PEOPLE,
  WARN,
  WEBHOOK_DELIVERIES,
  WITNESS_CONFIG,
  type Logger,
  type Warn,
} from './tokens';

const EVENT_LOG_CONNECTIONS = 4;

const PROVIDERS: Provider[] = [
  Sources,
  { provide: DATABASE_URL, useFactory: (config: Config) => config.databaseUrl, inject: [CONFIG] },
  {
    provide: WARN,
    useFactory:
      (logger: Logger): Warn =>
      (message, cause) =>
        logger.warn({ err: cause }, message),
    inject: [LOGGER],
  },
  {
    provide: LOG_KEY,
    useFactory: ({ logKey, files }: Config) =>
      logKey === undefined ? readPrivateKey(files.logKey) : privateKeyIn(logKey, 'BAILIWICK_LOG_KEY'),
    inject: [CONFIG],
  },
  { provide: WITNESS_CONFIG, useFactory: ({ files }: Config) => readWitnessConfig(files.witnesses), inject: [CONFIG] },
  {
    provide: BUS,
    useFactory: ({ nats }: Config) => connectBus({ ...nats, name: 'ledger', inboxPrefix: '_INBOX.ledger' }),
    inject: [CONFIG],
  },
  { provide: EVENT_SOURCE, useFactory: (bus: Bus) => subjectSource(bus), inject: [BUS] },
  {
    provide: EVENT_LOG,
    useFactory: (databaseUrl: string, warn: Warn) =>
      new PostgresEventLog(databaseUrl, {
        max: EVENT_LOG_CONNECTIONS,
        onError: (error) => warn('a database connection was lost', error),
      }),
    inject: [DATABASE_URL, WARN],
  },
  { provide: DATABASE, useExisting: EVENT_LOG },
  { provide: PEOPLE, useFactory: (databaseUrl: string) => new PostgresPeople(databaseUrl), inject: [DATABASE_URL] },
  {
    provide: WEBHOOK_DELIVERIES,
    useFactory: (databaseUrl: string) => new WebhookDeliveries(databaseUrl),
    inject: [DATABASE_URL],
  },
  { provide: LedgerStore, useFactory: (databaseUrl: string) => LedgerStore.open(databaseUrl), inject: [DATABASE_URL] },
];

/**
 * Configuration and connections, for every module. They open before any other module starts and close after all have
 * stopped, as Nest initializes global modules first and shuts them down last.
 */
@Global()
@Module({})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
    private readonly store: LedgerStore,
    @Inject(PEOPLE) private readonly people: PeopleNames,
    @Inject(WEBHOOK_DELIVERIES) private readonly deliveries: WebhookDeliveries,
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

  /** Answers the requests that were accepted, then closes the connections they use. */
  async onApplicationShutdown(): Promise<void> {
    await this.bus.drain();
    await this.store.close();
    await this.people.close();
    await this.deliveries.close();
    await this.eventlog.close();
  }
}
