import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { ArchivedTrees } from './archived-trees';
import { DriftScores } from './drift-scores';
import { ReadModelsController } from './read-models.controller';
import { RebuildController } from './rebuild/rebuild.controller';
import { Rebuilds } from './rebuild/rebuilds';
import { Regrants } from './regrants';
import { Revocations } from './revocations';

@Module({
  imports: [FollowerModule],
  controllers: [ReadModelsController, RebuildController],
  providers: [ArchivedTrees, DriftScores, Regrants, Revocations, Rebuilds],
})
export class ReadModelsModule {}
