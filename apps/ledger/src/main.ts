import 'reflect-metadata';
import { runBusService } from '@bailiwick/platform/bus-service';
import { AppModule } from './app.module';
import { BUS } from './connections/tokens';
import { LedgerServer } from './rpc/ledger-server';

runBusService({
  name: 'ledger',
  module: AppModule,
  bus: BUS,
  server: (bus) => new LedgerServer(bus),
});
