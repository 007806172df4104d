import 'reflect-metadata';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import type { BusService } from '@bailiwick/platform/bus-service';
import { AppModule } from './app.module';
import { BUS } from './connections/tokens';

/** The monitor, run by a dedicated or a shared process. */
export const SERVICE: BusService = {
  name: 'intent',
  module: AppModule,
  bus: BUS,
  server: (bus) => new BusServer({ bus, queue: 'intent' }),
};
