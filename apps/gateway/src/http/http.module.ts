import { Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { LIMITS } from '@bailiwick/core/limits';
import { AuthGuard } from '../auth/auth.guard';
import { RolesGuard } from '../auth/roles.guard';
import { FastPath } from '../fast-path/fast-path';
import { ConcurrencyInterceptor } from './concurrency.interceptor';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { EndpointRegistry } from './endpoints/endpoint-registry';
import { IdempotencyInterceptor } from './idempotency.interceptor';
import { MetricsInterceptor } from './metrics.interceptor';
import { ProblemFilter } from './problems/problem.filter';
import { Problems } from './problems/problems';
import { RequestBodies } from './bodies/request-bodies';
import { ResponseInterceptor } from './responses/response.interceptor';

/** Configures the stages of a request, in this order: guards, interceptors, pipes, the handler, and the error filter. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    EndpointRegistry,
    FastPath,
    Problems,
    RequestBodies,
    {
      provide: ConcurrencyLimiter,
      useFactory: () => new ConcurrencyLimiter(LIMITS.httpRequests, LIMITS.httpRequestsPerTenant, 'requests'),
    },
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: APP_GUARD, useClass: RolesGuard },
    { provide: APP_INTERCEPTOR, useClass: MetricsInterceptor },
    { provide: APP_INTERCEPTOR, useClass: ConcurrencyInterceptor },
    { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    { provide: APP_INTERCEPTOR, useClass: ResponseInterceptor },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
  exports: [ConcurrencyLimiter, EndpointRegistry, FastPath, RequestBodies],
})
export class HttpModule {}
