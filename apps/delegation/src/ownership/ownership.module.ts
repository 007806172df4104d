import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module';
import { ErasureModule } from '../erasure/erasure.module';
import { QueriesModule } from '../queries/queries.module';
import { LogOwnership } from './log-ownership';
import { LogServer } from './log-server';

@Module({
  imports: [CommandsModule, ErasureModule, QueriesModule],
  providers: [LogOwnership, LogServer],
  exports: [LogOwnership],
})
export class OwnershipModule {}
