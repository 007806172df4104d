import { Module } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import type { Config } from '@bailiwick/platform/config';
import { readHandovers } from '@bailiwick/platform/logs/handovers';
import { readPrivateKey } from '@bailiwick/platform/keys/private-key';
import type { WitnessConfig } from '@bailiwick/platform/keys/witness-config';
import { CONFIG, WITNESS_CONFIG } from '../connections/tokens';
import { FollowerModule } from '../follower/follower.module';
import { LedgerStore } from '../read-models/store';
import { CosigningService } from './cosigning.service';
import { HANDOVERS, WITNESS, type ReadHandovers } from './tokens';
import { TransparencyController } from './transparency.controller';
import { Witness } from './witness';
import { WitnessController } from './witness.controller';

@Module({
  imports: [FollowerModule],
  controllers: [TransparencyController, WitnessController],
  providers: [
    CosigningService,
    {
      provide: HANDOVERS,
      useFactory:
        ({ files }: Config): ReadHandovers =>
        () =>
          readHandovers(files.handovers),
      inject: [CONFIG],
    },
    {
      provide: WITNESS,
      useFactory: ({ witnessName, files }: Config, { logs }: WitnessConfig, { heads }: LedgerStore): Witness | null =>
        logs.length === 0
          ? null
          : new Witness({
              name: witnessName,
              key: readPrivateKey(files.witnessKey),
              logs,
              heads,
              now: () => systemClock.now(),
            }),
      inject: [CONFIG, WITNESS_CONFIG, LedgerStore],
    },
  ],
})
export class TransparencyModule {}
