import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Config } from '@bailiwick/platform/config';
import { ConnectionsModule } from './connections/connections.module';
import type { Logger } from './connections/tokens';
import { MonitorModule } from './monitor/monitor.module';
import { RefusalFilter } from './scoring/refusal.filter';
import { ScoringModule } from './scoring/scoring.module';

@Module({})
export class AppModule {
  static forRoot(config: Config, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [ConnectionsModule.forRoot(config, logger), MonitorModule, ScoringModule],
      providers: [{ provide: APP_FILTER, useClass: RefusalFilter }],
    };
  }
}
