import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { TransferController } from './transfer.controller';

@Module({ imports: [FollowerModule], controllers: [TransferController] })
export class TransferModule {}
