import { Global, Module } from '@nestjs/common';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { readConfig, type Config } from '@bailiwick/platform/config';
import { makeLogger } from '@bailiwick/platform/logging';
import type { Logger } from '@bailiwick/platform/logging';
import { BUS, CONFIG, LOGGER } from './config';

const connect = ({ nats }: Config): Promise<Bus> =>
  connectBus({ ...nats, name: 'gateway', inboxPrefix: '_INBOX.gateway' });

/** Configuration, logger, and the connection to NATS. */
@Global()
@Module({
  providers: [
    { provide: CONFIG, useFactory: () => readConfig(['nats']) },
    {
      provide: LOGGER,
      inject: [CONFIG],
      useFactory: ({ logLevel }: Config): Logger => makeLogger('gateway', logLevel),
    },
    { provide: BUS, inject: [CONFIG], useFactory: connect },
  ],
  exports: [CONFIG, LOGGER, BUS],
})
export class ConnectionsModule {}
