import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { ActionDecisionsModule } from './action-decisions.module';
import { ActionsController } from './actions.controller';

@Module({ imports: [ActionDecisionsModule, SearchModule], controllers: [ActionsController] })
export class ActionsModule {}
