import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { endpointOf } from '../http/endpoints/endpoint';
import { Admission } from './admission';

/** Identifies the caller of a request. A handler without `@Endpoint` is never reached (I11). */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly admission: Admission) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const endpoint = endpointOf(context.getHandler());
    if (!endpoint) return false;
    await this.admission.authenticate(endpoint, context.switchToHttp().getRequest<FastifyRequest>());
    return true;
  }
}
