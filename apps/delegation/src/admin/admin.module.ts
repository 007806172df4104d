import { Module } from '@nestjs/common';
import { OwnershipModule } from '../ownership/ownership.module';
import { AdminController } from './admin.controller';

@Module({ imports: [OwnershipModule], controllers: [AdminController] })
export class AdminModule {}
