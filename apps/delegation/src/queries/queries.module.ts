import { Module } from '@nestjs/common';
import { ImportsModule } from '../imports/imports.module';
import { QueriesService } from './queries.service';

@Module({ imports: [ImportsModule], providers: [QueriesService], exports: [QueriesService] })
export class QueriesModule {}
