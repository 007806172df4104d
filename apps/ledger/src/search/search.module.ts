import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { EventsService } from './events.service';
import { ListsService } from './lists.service';
import { RunGraphService } from './run-graph.service';
import { SearchController } from './search.controller';

@Module({
  imports: [FollowerModule],
  controllers: [SearchController],
  providers: [ListsService, EventsService, RunGraphService],
})
export class SearchModule {}
