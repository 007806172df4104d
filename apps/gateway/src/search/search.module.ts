import { Module } from '@nestjs/common';
import { LedgerSearch } from './ledger-search';

@Module({ providers: [LedgerSearch], exports: [LedgerSearch] })
export class SearchModule {}
