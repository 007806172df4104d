import type { INestApplicationContext } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CONFIG, type GatewayConfig } from './config';
import { FastPath } from './fast-path/fast-path';
import type { HttpAdapter } from './http/http-adapter';
import { RequestBodies } from './http/bodies/request-bodies';

/** Configures how an application reads requests. Call this before it registers its routes. */
export function configureHttp(app: NestFastifyApplication & INestApplicationContext): void {
  const adapter = app.getHttpAdapter() as unknown as HttpAdapter;
  app.get(RequestBodies).configure(adapter.getInstance());
  if (app.get<GatewayConfig>(CONFIG).fastPath) {
    const fastPath = app.get(FastPath);
    adapter.intercept((framework) => fastPath.listener(framework));
  }
}
