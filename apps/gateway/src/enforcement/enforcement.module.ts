import { Global, Module } from '@nestjs/common';
import { EnforcementMetrics } from './enforcement-metrics';
import { EnforcementPoints } from './enforcement-points';
import { EnforcementPointsController } from './enforcement-points.controller';

/** Follows what enforces the logs. */
@Global()
@Module({
  controllers: [EnforcementPointsController],
  providers: [EnforcementPoints, EnforcementMetrics],
  exports: [EnforcementMetrics, EnforcementPoints],
})
export class EnforcementModule {}
