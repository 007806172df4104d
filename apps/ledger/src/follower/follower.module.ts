import { Module } from '@nestjs/common';
import type { Config } from '@bailiwick/platform/config';
import type { WitnessConfig } from '@bailiwick/platform/keys/witness-config';
import { CONFIG, WITNESS_CONFIG } from '../connections/tokens';
import { EventStreamModule } from '../event-stream/event-stream.module';
import { FollowerController } from './follower.controller';
import { FollowerService } from './follower.service';
import { CHECKPOINT_SETTINGS, LogLedgerFactory, type CheckpointSettings } from './log-ledger.factory';
import { LogLedgers } from './log-ledgers';

@Module({
  imports: [EventStreamModule],
  controllers: [FollowerController],
  providers: [
    {
      provide: CHECKPOINT_SETTINGS,
      useFactory: ({ origin }: Config, { witnesses }: WitnessConfig): CheckpointSettings => ({
        origin,
        witnesses: witnesses.length,
      }),
      inject: [CONFIG, WITNESS_CONFIG],
    },
    LogLedgerFactory,
    LogLedgers,
    FollowerService,
  ],
  exports: [LogLedgers],
})
export class FollowerModule {}
