import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Config } from '@bailiwick/platform/config';
import { RefusalFilter } from '@bailiwick/platform/rpc/refusal.filter';
import type { Logger } from 'pino';
import { AdminModule } from './admin/admin.module';
import { ConnectionsModule } from './connections/connections.module';
import { KeysModule } from './keys/keys.module';
import { McpModule } from './mcp/mcp.module';
import { OwnershipModule } from './ownership/ownership.module';
import { PeopleModule } from './people/people.module';
import { SessionsModule } from './sessions/sessions.module';
import { SnapshotsModule } from './snapshots/snapshots.module';
import { SystemModule } from './system/system.module';
import { SignalsModule } from './signals/signals.module';
import { WebhooksModule } from './webhooks/webhooks.module';

/** The delegation service: owns logs and decides their commands. */
@Module({})
export class AppModule {
  static forRoot(config: Config, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConnectionsModule.forRoot(config, logger),
        OwnershipModule,
        SnapshotsModule,
        AdminModule,
        KeysModule,
        SessionsModule,
        PeopleModule,
        McpModule,
        WebhooksModule,
        SignalsModule,
        SystemModule,
      ],
      providers: [{ provide: APP_FILTER, useFactory: () => new RefusalFilter(logger) }],
    };
  }
}
