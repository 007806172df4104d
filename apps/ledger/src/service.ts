import 'reflect-metadata';
import type { BusService } from '@bailiwick/platform/bus-service';
import { AppModule } from './app.module';
import { BUS } from './connections/tokens';
import { LedgerServer } from './rpc/ledger-server';

/** The ledger, run by a dedicated or a shared process. */
export const SERVICE: BusService = {
  name: 'ledger',
  module: AppModule,
  bus: BUS,
  server: (bus) => new LedgerServer(bus),
};
