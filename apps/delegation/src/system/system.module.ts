import { Module } from '@nestjs/common';
import { OwnershipModule } from '../ownership/ownership.module';
import { HealthController } from './health.controller';

@Module({ imports: [OwnershipModule], controllers: [HealthController] })
export class SystemModule {}
