import 'reflect-metadata';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { runBusService } from '@bailiwick/platform/bus-service';
import { AppModule } from './app.module';
import { BUS } from './connections/tokens';

runBusService({
  name: 'intent',
  module: AppModule,
  bus: BUS,
  server: (bus) => new BusServer({ bus, queue: 'intent' }),
});
