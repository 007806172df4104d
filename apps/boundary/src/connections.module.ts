import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { readConfig, type Config } from '@bailiwick/platform/config';
import { makeLogger, type Logger } from '@bailiwick/platform/logging';
import { BUS, CONFIG, LOGGER } from './config';

/** Configuration, logger, and the connection to NATS, which closes last. */
@Global()
@Module({
  providers: [
    { provide: CONFIG, useFactory: () => readConfig(['nats']) },
    {
      provide: LOGGER,
      inject: [CONFIG],
      useFactory: ({ logLevel }: Config): Logger => makeLogger('boundary', logLevel),
    },
    {
      provide: BUS,
      inject: [CONFIG],
      useFactory: ({ nats }: Config): Promise<Bus> =>
        connectBus({ ...nats, name: 'boundary', inboxPrefix: '_INBOX.boundary' }),
    },
  ],
  exports: [CONFIG, LOGGER, BUS],
})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(@Inject(BUS) private readonly bus: Bus) {}

  onApplicationShutdown(): Promise<void> {
    return this.bus.drain();
  }
}
