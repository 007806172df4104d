import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { MineController } from './mine.controller';

@Module({ imports: [SearchModule], controllers: [MineController] })
export class MineModule {}
