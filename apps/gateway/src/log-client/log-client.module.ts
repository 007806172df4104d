import { Global, Module } from '@nestjs/common';
import { Branches } from './branches';
import { LogClient } from './log-client';

/** Provides access to the owners of the logs and to the ledger. */
@Global()
@Module({ providers: [LogClient, Branches], exports: [LogClient, Branches] })
export class LogClientModule {}
