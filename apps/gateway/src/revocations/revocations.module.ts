import { Module } from '@nestjs/common';
import { LeaseRequestsModule } from '../runs/lease-requests.module';
import { RegrantsController } from './regrants.controller';
import { RevocationsController } from './revocations.controller';

@Module({ imports: [LeaseRequestsModule], controllers: [RevocationsController, RegrantsController] })
export class RevocationsModule {}
