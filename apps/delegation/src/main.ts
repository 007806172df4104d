import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import type { Bus } from '@bailiwick/messaging/connect';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { readConfig } from '@bailiwick/platform/config';
import { announceReady, onShutdown } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { AppModule } from './app.module';
import { BUS } from './connections/tokens';

const config = readConfig(['database', 'nats']);
const logger = makeLogger('delegation', config.logLevel);

async function main(): Promise<void> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule.forRoot(config, logger), {
    logger: new NestLogger(logger),
    abortOnError: false,
    inject: [BUS],
    // no queue group: all instances get each request and the first response counts, so a stopped instance blocks none
    useFactory: (bus: Bus) => ({ strategy: new BusServer({ bus }) }),
  });
  onShutdown(() => app.close());
  await app.listen();
  announceReady();
}

main().catch((error: unknown) => {
  logger.fatal({ err: error }, 'the delegation service did not start');
  process.exit(1);
});
