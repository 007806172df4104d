import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { ActionDecisions } from './action-decisions';
import { ActionsController } from './actions.controller';

@Module({
  imports: [SearchModule],
  controllers: [ActionsController],
  providers: [ActionDecisions],
  exports: [ActionDecisions],
})
export class ActionsModule {}
