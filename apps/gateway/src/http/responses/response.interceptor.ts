import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { mergeMap, type Observable } from 'rxjs';
import { endpointOf } from '../endpoints/endpoint';
import { Streamed, toResponse, type HttpResponse } from './http-response';

/** Turns the result of a handler into a response. A stream is written here, so that the request counts until its end. */
@Injectable()
export class ResponseInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<HttpResponse | Streamed> {
    const endpoint = endpointOf(context.getHandler()) ?? { path: 'none' };
    return next.handle().pipe(
      mergeMap(async (value: unknown) => {
        if (!(value instanceof Streamed)) return toResponse(endpoint, value);
        await value.write(context.switchToHttp().getResponse<FastifyReply>());
        return value;
      }),
    );
  }
}
