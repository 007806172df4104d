import 'reflect-metadata';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { runBusService } from '@bailiwick/platform/bus-service';
import { AppModule } from './app.module';
import { BUS } from './connections/tokens';

runBusService({
  name: 'delegation',
  module: AppModule,
  bus: BUS,
  // no queue group: all instances get each request and the first response counts, so a stopped instance blocks none
  server: (bus) => new BusServer({ bus }),
});
