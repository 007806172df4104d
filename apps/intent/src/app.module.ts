import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { SharedReading } from '@bailiwick/messaging/log-follower/shared-reading';
import type { Config } from '@bailiwick/platform/config';
import { RefusalFilter } from '@bailiwick/platform/rpc/refusal.filter';
import { ConnectionsModule } from './connections/connections.module';
import type { Logger } from './connections/tokens';
import { MonitorModule } from './monitor/monitor.module';
import { ScoringModule } from './scoring/scoring.module';

@Module({})
export class AppModule {
  /** @param shared reads the logs together with another service of this process */
  static forRoot(config: Config, logger: Logger, shared?: SharedReading): DynamicModule {
    return {
      module: AppModule,
      imports: [ConnectionsModule.forRoot(config, logger, shared), MonitorModule, ScoringModule],
      providers: [{ provide: APP_FILTER, useFactory: () => new RefusalFilter(logger) }],
    };
  }
}
