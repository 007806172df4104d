import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { ReceiptsController } from './receipts.controller';

@Module({ imports: [FollowerModule], controllers: [ReceiptsController] })
export class ReceiptsModule {}
