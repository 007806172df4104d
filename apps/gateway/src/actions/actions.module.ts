import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { ActionsController } from './actions.controller';

@Module({ imports: [SearchModule], controllers: [ActionsController] })
export class ActionsModule {}
