import { Module } from '@nestjs/common';
import { PoliciesController } from './policies.controller';
import { PolicyChecksModule } from './policy-checks.module';
import { PolicyDiffsController } from './policy-diffs.controller';
import { PolicyRespondersController } from './policy-responders.controller';
import { PolicyShadowController } from './policy-shadow.controller';
import { PolicySignalsController } from './policy-signals.controller';

@Module({
  imports: [PolicyChecksModule],
  controllers: [
    PolicyDiffsController,
    PolicySignalsController,
    PolicyShadowController,
    PolicyRespondersController,
    PoliciesController,
  ],
})
export class PoliciesModule {}
