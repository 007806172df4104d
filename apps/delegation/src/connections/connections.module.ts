import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { PostgresImports } from '@bailiwick/event-store/postgres/imports';
import { PostgresKeys } from '@bailiwick/event-store/postgres/keys';
import { PostgresMcpPins } from '@bailiwick/event-store/postgres/mcp-pins';
import { PostgresPayloads } from '@bailiwick/event-store/postgres/payloads';
import { PostgresPeople } from '@bailiwick/event-store/postgres/people';
import { PostgresSessions } from '@bailiwick/event-store/postgres/sessions';
import { PostgresSsfStreams } from '@bailiwick/event-store/postgres/ssf-streams';
import { PostgresWebhooks } from '@bailiwick/event-store/postgres/webhooks';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import type { Config } from '@bailiwick/platform/config';
import type { Logger } from 'pino';
import { TreeKeys } from '../commands/tree-keys';
import {
  ACCESS_KEYS,
  BUS,
  CONFIG,
  EVENT_LOG,
  LOGGER,
  MCP_PINS,
  PAYLOADS,
  PEOPLE,
  SESSIONS,
  SSF_STREAMS,
  STAGED_IMPORTS,
  WEBHOOKS,
} from './tokens';

const TOKENS = [
  CONFIG,
  LOGGER,
  BUS,
  EVENT_LOG,
  PAYLOADS,
  STAGED_IMPORTS,
  ACCESS_KEYS,
  SESSIONS,
  PEOPLE,
  MCP_PINS,
  SSF_STREAMS,
  WEBHOOKS,
];

/** Opens the connections to NATS and PostgreSQL, and closes them after all other providers have stopped. */
@Global()
@Module({})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(EVENT_LOG) private readonly eventlog: PostgresEventLog,
    @Inject(PAYLOADS) private readonly payloads: PostgresPayloads,
    @Inject(STAGED_IMPORTS) private readonly imports: PostgresImports,
    @Inject(ACCESS_KEYS) private readonly keys: PostgresKeys,
    @Inject(SESSIONS) private readonly sessions: PostgresSessions,
    @Inject(PEOPLE) private readonly people: PostgresPeople,
    @Inject(MCP_PINS) private readonly mcpPins: PostgresMcpPins,
    @Inject(WEBHOOKS) private readonly webhooks: PostgresWebhooks,
    @Inject(SSF_STREAMS) private readonly streams: PostgresSsfStreams,
  ) {}

  static forRoot(config: Config, logger: Logger): DynamicModule {
    return {
      module: ConnectionsModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: TreeKeys, useFactory: (eventlog: PostgresEventLog) => new TreeKeys(eventlog), inject: [EVENT_LOG] },
        { provide: LOGGER, useValue: logger },
        { provide: BUS, useFactory: openBus, inject: [CONFIG] },
        { provide: EVENT_LOG, useFactory: openEventLog, inject: [CONFIG, LOGGER] },
        {
          provide: PAYLOADS,
          useFactory: ({ databaseUrl }: Config) => new PostgresPayloads(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: STAGED_IMPORTS,
          useFactory: ({ databaseUrl }: Config) => new PostgresImports(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: ACCESS_KEYS,
          useFactory: ({ databaseUrl }: Config) => new PostgresKeys(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: SESSIONS,
          useFactory: ({ databaseUrl }: Config) => new PostgresSessions(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: PEOPLE,
          useFactory: ({ databaseUrl }: Config) => new PostgresPeople(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: MCP_PINS,
          useFactory: ({ databaseUrl }: Config) => new PostgresMcpPins(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: SSF_STREAMS,
          useFactory: ({ databaseUrl }: Config) => new PostgresSsfStreams(databaseUrl),
          inject: [CONFIG],
        },
        {
          provide: WEBHOOKS,
          useFactory: ({ databaseUrl }: Config) => new PostgresWebhooks(databaseUrl),
          inject: [CONFIG],
        },
      ],
      exports: [...TOKENS, TreeKeys],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.bus.drain();
    await this.eventlog.close();
    await this.payloads.close();
    await this.imports.close();
    await this.keys.close();
    await this.sessions.close();
    await this.people.close();
    await this.mcpPins.close();
    await this.webhooks.close();
    await this.streams.close();
  }
}

const openBus = ({ nats }: Config): Promise<Bus> =>
  connectBus({ ...nats, name: 'delegation', inboxPrefix: '_INBOX.delegation' });

const openEventLog = ({ databaseUrl }: Config, logger: Logger): PostgresEventLog =>
  new PostgresEventLog(databaseUrl, {
    onError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
