import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { finalize, type Observable } from 'rxjs';
import { timed } from '../reporting/metrics';
import { endpointOf } from './endpoints/endpoint';

/** Observes how long each endpoint takes, from its guards to its last byte. */
@Injectable()
export class MetricsInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const started = performance.now();
    const path = endpointOf(context.getHandler())?.path ?? 'none';
    return next.handle().pipe(finalize(() => timed(path, (performance.now() - started) / 1_000)));
  }
}
