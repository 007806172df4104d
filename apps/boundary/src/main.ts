import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { runService } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger, type Logger } from '@bailiwick/platform/logging';
import { AppModule } from './app.module';
import { configureHttp } from './boundary-application';
import { CONFIG, LOGGER, type BoundaryConfig } from './config';
import { Front, type Endpoint } from './plain/front';
import { ENDPOINTS } from './plain/providers';

async function create(): Promise<NestFastifyApplication> {
  const front = new Front();
  const adapter = new FastifyAdapter({
    bodyLimit: LIMITS.httpBodyBytes,
    skipMiddie: true, // no middleware is used
    forceCloseConnections: true,
    serverFactory: (others: Parameters<Front['serve']>[0]) => front.serve(others),
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, {
    bufferLogs: true,
    bodyParser: false,
    abortOnError: false,
  });
  app.useLogger(new NestLogger(app.get<Logger>(LOGGER)));
  configureHttp(app, front.slots);
  front.use(app.get<Endpoint[]>(ENDPOINTS), app.get<Logger>(LOGGER));
  return app;
}

runService(
  create,
  (app) => {
    const { boundary, host } = app.get<BoundaryConfig>(CONFIG);
    return app.listen(boundary.port, host);
  },
  (error) => makeLogger('boundary', 'info').fatal({ err: error }, 'the boundary did not start'),
);
