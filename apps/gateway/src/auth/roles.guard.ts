import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { endpointOf } from '../http/endpoints/endpoint';
import { Admission } from './admission';

/** Admits a caller whose role, or whose grant token, the endpoint accepts. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly admission: Admission) {}

  canActivate(context: ExecutionContext): boolean {
    const endpoint = endpointOf(context.getHandler());
    const caller = this.admission.callerOf(context.switchToHttp().getRequest<FastifyRequest>().raw);
    if (!endpoint || !caller) return false;
    this.admission.authorize(endpoint, caller);
    return true;
  }
}
