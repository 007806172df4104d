import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { finalize, type Observable } from 'rxjs';
import { Admission } from '../auth/admission';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { endpointOf } from './endpoints/endpoint';

/**
 * Bounds the requests in progress, in total and per tenant. Public endpoints are exempt: health is asked for most often
 * when the system is busy.
 */
@Injectable()
export class ConcurrencyInterceptor implements NestInterceptor {
  constructor(
    private readonly limiter: ConcurrencyLimiter,
    private readonly admission: Admission,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const caller = this.admission.callerOf(context.switchToHttp().getRequest<FastifyRequest>().raw);
    if (!caller || endpointOf(context.getHandler())?.roles === 'public') return next.handle();
    return next.handle().pipe(finalize(this.limiter.take(caller.tenant)));
  }
}
