import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { ActionDecisionsModule } from './action-decisions.module';
import { ActionTokens } from './action-tokens';
import { ActionsController } from './actions.controller';

@Module({ imports: [ActionDecisionsModule, SearchModule], controllers: [ActionsController], providers: [ActionTokens] })
export class ActionsModule {}
