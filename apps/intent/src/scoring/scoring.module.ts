import { Module } from '@nestjs/common';
import { MonitorModule } from '../monitor/monitor.module';
import { IntentController } from './intent.controller';

@Module({
  imports: [MonitorModule],
  controllers: [IntentController],
})
export class ScoringModule {}
