import { Module } from '@nestjs/common';
import { LogMonitorFactory } from './log-monitor.factory';
import { MonitorService } from './monitor.service';

@Module({
  providers: [LogMonitorFactory, MonitorService],
  exports: [MonitorService],
})
export class MonitorModule {}
