import { Global, Module } from '@nestjs/common';
import type { Logger } from '@bailiwick/platform/logging';
import { LOGGER } from '../config';
import { LogClient } from '../log-client/log-client';
import { DryRuns } from './dry-runs';
import { MetricsListener } from './metrics-listener';
import { ReadinessProbe } from './readiness';
import { RefusalReports } from './refusal-reports';
import { WebhookMetrics } from './webhook-metrics';

/** Provides the gateway's reports: readiness, dry runs, and refused requests. */
@Global()
@Module({
  providers: [
    ReadinessProbe,
    WebhookMetrics,
    MetricsListener,
    {
      provide: DryRuns,
      inject: [LOGGER],
      useFactory: (logger: Logger) => new DryRuns((line) => logger.info(line, 'dry run')),
    },
    { provide: RefusalReports, inject: [LogClient, LOGGER], useFactory: refusalReports },
  ],
  exports: [ReadinessProbe, MetricsListener, DryRuns, RefusalReports],
})
export class ReportingModule {}

function refusalReports(logClient: LogClient, logger: Logger): RefusalReports {
  const failed = (error: unknown): void => logger.warn({ err: error }, 'a refusal could not be reported');
  return new RefusalReports((command) => void logClient.submit(command).catch(failed));
}
