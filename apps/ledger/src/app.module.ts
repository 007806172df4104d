import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { SharedReading } from '@bailiwick/messaging/log-follower/shared-reading';
import type { Config } from '@bailiwick/platform/config';
import { RefusalFilter } from '@bailiwick/platform/rpc/refusal.filter';
import { ConnectionsModule } from './connections/connections.module';
import type { Logger } from './connections/tokens';
import { FollowerModule } from './follower/follower.module';
import { ReadModelsModule } from './read-models/read-models.module';
import { ReceiptsModule } from './receipts/receipts.module';
import { ReplayModule } from './replay/replay.module';
import { SearchModule } from './search/search.module';
import { TransferModule } from './transfer/transfer.module';
import { TransparencyModule } from './transparency/transparency.module';
import { VerificationModule } from './verification/verification.module';
import { WebhooksModule } from './webhooks/webhooks.module';

@Module({})
export class AppModule {
  /** @param shared reads the logs together with another service of this process */
  static forRoot(config: Config, logger: Logger, shared?: SharedReading): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConnectionsModule.forRoot(config, logger, shared),
        FollowerModule,
        SearchModule,
        ReceiptsModule,
        ReadModelsModule,
        TransparencyModule,
        VerificationModule,
        TransferModule,
        ReplayModule,
        WebhooksModule,
      ],
      providers: [{ provide: APP_FILTER, useFactory: () => new RefusalFilter(logger) }],
    };
  }
}
