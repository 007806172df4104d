import { Global, Module } from '@nestjs/common';
import { Branches } from './branches';
import { LogClient } from './log-client';
import { OwnWork } from './own-work';

/** Provides access to the owners of the logs and to the ledger. */
@Global()
@Module({ providers: [LogClient, Branches, OwnWork], exports: [LogClient, Branches, OwnWork] })
export class LogClientModule {}
