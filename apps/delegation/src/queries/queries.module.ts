import { Module } from '@nestjs/common';
import { ImportsModule } from '../imports/imports.module';
import { ProofUses } from './proof-uses';
import { QueriesService } from './queries.service';

@Module({ imports: [ImportsModule], providers: [QueriesService, ProofUses], exports: [QueriesService] })
export class QueriesModule {}
