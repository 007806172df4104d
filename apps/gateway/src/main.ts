import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from '@bailiwick/platform/logging';
import { announceReady, onShutdown } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { AppModule } from './app.module';
import { CONFIG, LOGGER, type GatewayConfig } from './config';
import { configureHttp } from './gateway-application';
import { HttpAdapter } from './http/http-adapter';

async function main(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new HttpAdapter(), {
    bufferLogs: true,
    bodyParser: false,
    abortOnError: false,
  });
  app.useLogger(new NestLogger(app.get<Logger>(LOGGER)));
  configureHttp(app);
  onShutdown(() => app.close());
  const { port, host } = app.get<GatewayConfig>(CONFIG);
  await app.listen(port, host);
  announceReady();
}

main().catch((error: unknown) => {
  makeLogger('gateway', 'info').fatal({ err: error }, 'the gateway did not start');
  process.exit(1);
});
