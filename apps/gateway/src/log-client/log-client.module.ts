import { Global, Module } from '@nestjs/common';
import { LogClient } from './log-client';

/** Provides access to the owners of the logs and to the ledger. */
@Global()
@Module({ providers: [LogClient], exports: [LogClient] })
export class LogClientModule {}
