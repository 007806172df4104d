import type { IncomingMessage } from 'node:http';

/**
 * A value for each request, stored in the request itself and collected with it. A WeakMap with an entry per request
 * would take a third of the gateway's time for garbage collection.
 */
export class PerRequest<T> {
  private readonly key = Symbol('per request');

  get(request: IncomingMessage): T | undefined {
    return (request as unknown as Record<symbol, T | undefined>)[this.key];
  }

  set(request: IncomingMessage, value: T): void {
    (request as unknown as Record<symbol, T>)[this.key] = value;
  }
}
