import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { ReplayController } from './replay.controller';
import { Replays } from './replays';
import { TreeAtService } from './tree-at';

@Module({
  imports: [FollowerModule],
  controllers: [ReplayController],
  providers: [Replays, TreeAtService],
})
export class ReplayModule {}
