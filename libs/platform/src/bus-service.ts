import { NestFactory } from '@nestjs/core';
import type { DynamicModule } from '@nestjs/common';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import type { Bus } from '@bailiwick/messaging/connect';
import type { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { readConfig, type Config } from './config';
import { runService } from './lifecycle';
import { makeLogger, NestLogger, type Logger } from './logging';

export interface BusServiceOptions {
  /** the name of the service in its log lines */
  readonly name: string;
  readonly module: { forRoot(config: Config, logger: Logger): DynamicModule };
  /** the injection token of the `Bus` */
  readonly bus: symbol;
  readonly server: (bus: Bus) => BusServer;
}

/** Runs a service that answers requests over NATS and uses the database. */
export function runBusService({ name, module, bus, server }: BusServiceOptions): void {
  const config = readConfig(['database', 'nats']);
  const logger = makeLogger(name, config.logLevel);
  runService(
    () =>
      NestFactory.createMicroservice<AsyncMicroserviceOptions>(module.forRoot(config, logger), {
        logger: new NestLogger(logger),
        abortOnError: false,
        inject: [bus],
        useFactory: (connected: Bus) => ({ strategy: server(connected) }),
      }),
    (service) => service.listen(),
    (error) => logger.fatal({ err: error }, `the ${name} service did not start`),
  );
}
