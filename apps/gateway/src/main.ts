import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from '@bailiwick/platform/logging';
import { runService } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { AppModule } from './app.module';
import { CONFIG, LOGGER, type GatewayConfig } from './config';
import { configureHttp } from './gateway-application';
import { HttpAdapter } from './http/http-adapter';

async function create(): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new HttpAdapter(), {
    bufferLogs: true,
    bodyParser: false,
    abortOnError: false,
  });
  app.useLogger(new NestLogger(app.get<Logger>(LOGGER)));
  configureHttp(app);
  return app;
}

runService(
  create,
  (app) => {
    const { port, host } = app.get<GatewayConfig>(CONFIG);
    return app.listen(port, host);
  },
  (error) => makeLogger('gateway', 'info').fatal({ err: error }, 'the gateway did not start'),
);
