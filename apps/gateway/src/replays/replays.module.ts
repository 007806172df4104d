import { Module } from '@nestjs/common';
import { PolicyChecksModule } from '../policies/policy-checks.module';
import { ReplaysController } from './replays.controller';

@Module({ imports: [PolicyChecksModule], controllers: [ReplaysController] })
export class ReplaysModule {}
