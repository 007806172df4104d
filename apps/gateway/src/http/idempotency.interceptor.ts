import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { Admission } from '../auth/admission';
import { Refused } from './problems/problem';
import { endpointOf, type Endpoint } from './endpoints/endpoint';
import { attachContext } from './request-context';

/** Gives a request its context: its caller, and commands whose ids derive from its Idempotency-Key. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly admission: Admission) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = this.admission.callerOf(request.raw);
    if (!caller) throw new Refused('UNAUTHENTICATED', 'the request was not authenticated');
    attachContext(caller, request);
    checkQuery(endpointOf(context.getHandler()), request.query as Record<string, unknown>);
    return next.handle();
  }
}

/** @throws Refused BAD_REQUEST for a parameter that the endpoint does not take, or that no database can store */
function checkQuery(endpoint: Endpoint | undefined, query: Record<string, unknown>): void {
  const [name] = endpoint?.query ? [] : Object.keys(query);
  if (name !== undefined) throw new Refused('BAD_REQUEST', `unknown query parameter ${name}`);
  for (const [each, text] of Object.entries(query))
    if (String(text).includes('\0')) throw new Refused('BAD_REQUEST', `${each} must not contain the character NUL`);
}
