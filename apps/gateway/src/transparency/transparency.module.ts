import { Module } from '@nestjs/common';
import { LogController } from './log.controller';
import { LogVerification } from './verification';
import { VerificationController } from './verification.controller';
import { WitnessController } from './witness.controller';

@Module({
  controllers: [VerificationController, LogController, WitnessController],
  providers: [LogVerification],
})
export class TransparencyModule {}
