import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EndpointRegistry, methodsOf } from '../endpoints/endpoint-registry';
import { send } from '../responses/http-response';
import { Problems } from './problems';

/** Answers every error as application/problem+json (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly problems: Problems,
    private readonly registry: EndpointRegistry,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const endpoint = this.registry.find(request.method, request.routeOptions.url);
    const response = endpoint
      ? this.problems.ofEndpoint(endpoint, error, request)
      : this.problems.ofNoEndpoint(error, request, methodsOf(this.registry.endpoints, request.url));
    send(host.switchToHttp().getResponse<FastifyReply>(), response);
  }
}
