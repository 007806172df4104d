import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { Catch, HttpException, Module, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { subjectSource } from '@bailiwick/messaging/event-source';
import { LIMITS } from '@bailiwick/core/limits';
import { readConfig } from '@bailiwick/platform/config';
import { announceReady, onShutdown } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { Arrivals } from './event-stream/arrivals';
import { Arriving } from './http/incoming-bodies';
import { directly } from './fast-path/direct';
import { DryRuns } from './reporting/dry-runs';
import { ApiKeys } from './auth/api-keys';
import { Owners } from './log-client/log-client';
import { Pseudonyms } from './auth/pseudonyms';
import { RefusalReports } from './reporting/refusal-reports';
import { Places } from './http/concurrency-limiter';
import { Refused } from './http/problem';
import type { Route, Services } from './http/route';
import { answer, problem, refusedAtHead, serve, tell, type ServerOptions } from './http/server';
import { methodsOf, routeTable } from './http/table';
import { readiness, type Readiness } from './reporting/readiness';
import { Tokens } from './auth/grant-tokens';

const config = readConfig(['nats']);
const logger = makeLogger('gateway', config.logLevel);

@Module({})
class GatewayModule {}

/** What matches no route of the table. */
@Catch()
class NoRoute implements ExceptionFilter {
  constructor(private readonly routes: readonly Route[]) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const status =
      error instanceof HttpException ? error.getStatus() : ((error as { statusCode?: number }).statusCode ?? 500);
    const methods = methodsOf(this.routes, request.url);
    if (status === 404 && methods.length > 0) reply.header('allow', methods.join(', '));
    tell(reply, problem({ path: 'none' }, this.refusal(status, request, methods, error)));
  }

  private refusal(status: number, request: FastifyRequest, methods: readonly string[], error: unknown): Refused {
    if (status === 413) return new Refused('TOO_LARGE', `the body is over ${LIMITS.httpBodyBytes} bytes`);
    if (status === 415) return new Refused('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json');
    if (status === 404 && methods.length > 0)
      return new Refused('METHOD_NOT_ALLOWED', `${request.method} is not for this path; ${methods.join(', ')} is`);
    if (status === 404)
      return new Refused(
        'NOT_FOUND',
        `there is nothing at ${request.url.split('?')[0]?.slice(0, 200) ?? ''}; see /docs`,
      );
    if (status < 500) return new Refused('BAD_REQUEST', (error as Error).message);
    logger.error({ err: error }, 'a request failed');
    return new Refused('INTERNAL', 'something went wrong here; it is in the log of the gateway');
  }
}

function makeServices(bus: Bus): Services {
  const { files, publicUrl } = config;
  const owners = new Owners(bus);
  const unreported = (error: unknown): void => logger.warn({ err: error }, 'a refusal could not be reported');
  return {
    config,
    owners,
    refusals: new RefusalReports((command) => void owners.submit(command).catch(unreported)),
    dryRuns: new DryRuns((line) => logger.info(line, 'a dry run')),
    keys: new ApiKeys(files.credentials, files.tenants),
    tokens: new Tokens(readFileSync(files.tokenKey, 'utf8'), publicUrl, () => Date.now(), {
      since: Math.ceil(performance.timeOrigin),
      alwaysNonce: config.dpopNonce === 'always',
    }),
    arrivals: new Arrivals(subjectSource(bus)),
    pseudonyms: new Pseudonyms(Buffer.from(readFileSync(files.pseudonymKey, 'utf8'), 'base64')),
  };
}

function httpServer(options: ServerOptions, framework: RequestListener): Server {
  const server = createServer(
    {
      keepAliveTimeout: 65_000,
      headersTimeout: LIMITS.httpHeadMs,
      requestTimeout: LIMITS.httpRequestMs,
      connectionsCheckingInterval: 1_000,
    },
    directly(
      options.routes,
      (route, request) => answer(route, options, request),
      framework,
      (route, request) => refusedAtHead(route, options, request),
    ),
  );
  server.maxConnections = LIMITS.httpConnections;
  return server;
}

async function main(): Promise<void> {
  const bus = await connectBus({ ...config.nats, name: 'gateway', inboxPrefix: '_INBOX.gateway' });
  const ready = (): Promise<Readiness> => readiness(bus);
  const routes = routeTable(ready);
  const options: ServerOptions = {
    routes,
    services: makeServices(bus),
    places: new Places(LIMITS.httpRequests, LIMITS.httpRequestsPerTenant, 'requests'),
    arriving: new Arriving(),
    failed: (error, request) => logger.error({ err: error, url: request.url }, 'a request failed'),
  };
  const adapter = new FastifyAdapter({
    serverFactory: (framework: RequestListener) => httpServer(options, framework),
    bodyLimit: LIMITS.httpBodyBytes,
    skipMiddie: true, // there is no middleware: the routes are on Fastify itself
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    // paths that come to no route: an id longer than any, or what is no URL
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
      void tell(
        reply,
        problem(
          { path: 'none' },
          error.code === 'FST_ERR_MAX_PARAM_LENGTH'
            ? new Refused('NOT_FOUND', 'no id is that long')
            : new Refused('BAD_REQUEST', error.message),
        ),
      ),
  });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
  });
  app.useGlobalFilters(new NoRoute(routes));
  serve(app.getHttpAdapter().getInstance(), options);
  onShutdown(async () => {
    await app.close();
    options.services.refusals.flush();
    await bus.drain();
  });
  await app.listen(config.port, config.host);
  announceReady();
}

main().catch((error: unknown) => {
  logger.fatal({ err: error }, 'the gateway did not start');
  process.exit(1);
});
