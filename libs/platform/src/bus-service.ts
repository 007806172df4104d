import { NestFactory } from '@nestjs/core';
import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import type { Bus } from '@bailiwick/messaging/connect';
import { SharedReading } from '@bailiwick/messaging/log-follower/shared-reading';
import type { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { environmentOf, readConfig, type Config } from './config';
import { runService } from './lifecycle';
import { makeLogger, NestLogger, type Logger } from './logging';

/** A service that answers requests over NATS and uses the database. */
export interface BusService {
  /** the name of the service in its log lines */
  readonly name: string;
  readonly module: { forRoot(config: Config, logger: Logger, shared?: SharedReading): DynamicModule };
  /** the injection token of the `Bus` */
  readonly bus: symbol;
  readonly server: (bus: Bus) => BusServer;
}

/** Runs a service in this process. */
export function runBusService(service: BusService): void {
  const config = readConfig(['database', 'nats']);
  const logger = makeLogger(service.name, config.logLevel);
  runService(
    () => createService(service, config, logger),
    (application) => application.listen(),
    (error) => logger.fatal({ err: error }, `the ${service.name} service did not start`),
  );
}

/**
 * Runs several services in this process, which read each log together. Each has separate settings, connections and
 * rights. The process starts, stops and fails as a whole: if one service does not start, it ends.
 * @param name of the process, in the log lines that Nest writes: its logger is one for the whole process
 * @see environmentOf
 */
export function runBusServices(name: string, services: readonly BusService[]): void {
  const shared = new SharedReading();
  const report = makeLogger(name, readConfig([]).logLevel);
  const nest = new NestLogger(report);
  const create = (service: BusService): Promise<INestMicroservice> => {
    const config = readConfig(['database', 'nats'], environmentOf(service.name));
    return createService(service, config, makeLogger(service.name, config.logLevel), { nest, shared });
  };
  runService(
    async () => {
      const applications = await Promise.all(services.map(create));
      return {
        applications,
        close: () => Promise.all(applications.map((each) => each.close())),
      };
    },
    ({ applications }) => Promise.all(applications.map((each) => each.listen())),
    (error) => report.fatal({ err: error }, `the ${services.map((each) => each.name).join(' and ')} did not start`),
  );
}

const createService = (
  { module, bus, server }: BusService,
  config: Config,
  logger: Logger,
  { nest = new NestLogger(logger), shared }: { nest?: NestLogger; shared?: SharedReading } = {},
): Promise<INestMicroservice> =>
  NestFactory.createMicroservice<AsyncMicroserviceOptions>(module.forRoot(config, logger, shared), {
    logger: nest,
    abortOnError: false,
    inject: [bus],
    useFactory: (connected: Bus) => ({ strategy: server(connected) }),
  });
