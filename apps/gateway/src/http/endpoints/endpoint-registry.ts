import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { endpointOf, type Endpoint } from './endpoint';

/** An endpoint with the handler that the container has made. */
export interface BoundEndpoint extends Endpoint {
  readonly call: (...args: unknown[]) => unknown;
}

/** Every endpoint of the application, as its controllers declare them. */
@Injectable()
export class EndpointRegistry {
  private found: readonly BoundEndpoint[] | undefined;
  private readonly byRoute = new Map<string, BoundEndpoint>();

  constructor(private readonly discovery: DiscoveryService) {}

  /** In the order of the modules and of the methods of each controller. */
  get endpoints(): readonly BoundEndpoint[] {
    return (this.found ??= this.discover());
  }

  /** @param path as the endpoint declares it */
  find(method: string, path: string | undefined): BoundEndpoint | undefined {
    if (this.endpoints.length === 0 || path === undefined) return undefined;
    return this.byRoute.get(`${method === 'HEAD' ? 'GET' : method} ${path}`); // the framework answers HEAD by GET
  }

  private discover(): BoundEndpoint[] {
    const all = this.discovery.getControllers().flatMap(({ instance }) => endpointsOf(instance as object));
    for (const each of all) this.byRoute.set(`${each.method} ${each.path}`, each);
    return all;
  }
}

function endpointsOf(controller: object): BoundEndpoint[] {
  const prototype = Object.getPrototypeOf(controller) as Record<string, unknown>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method = prototype[name];
    const endpoint = typeof method === 'function' ? endpointOf(method) : undefined;
    if (!endpoint) return [];
    return [{ ...endpoint, call: (method as BoundEndpoint['call']).bind(controller) }];
  });
}

/** Returns the methods for which a path has endpoints. If there are any, a request with another method gets 405 instead of 404. */
export function methodsOf(endpoints: readonly Endpoint[], path: string): string[] {
  const segments = path.split('?')[0]?.split('/') ?? [];
  const matches = (endpoint: Endpoint): boolean => {
    const own = endpoint.path.replaceAll('::', ':').split('/');
    const isOpen = own.at(-1) === '*'; // matches the rest of the path
    const fixed = isOpen ? own.slice(0, -1) : own;
    return (
      (isOpen ? segments.length >= own.length : segments.length === own.length) &&
      fixed.every((segment, i) => (/^:\w+$/.test(segment) ? segments[i] !== '' : segment === segments[i]))
    );
  };
  return [...new Set(endpoints.filter(matches).map(({ method }) => method))];
}
