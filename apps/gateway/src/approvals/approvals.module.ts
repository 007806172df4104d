import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { ApprovalsController } from './approvals.controller';

@Module({ imports: [SearchModule], controllers: [ApprovalsController] })
export class ApprovalsModule {}
