import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import type { BoundEndpoint } from '../http/endpoints/endpoint-registry';

const NO_PARAMS = {};
/** A path with one id that needs no decoding. */
const AROUND_ID = /^(\/[\w/-]{1,40})\/(\w{1,100})\/(\w{1,40})$/;

export interface Found {
  readonly endpoint: BoundEndpoint;
  readonly params: Readonly<Record<string, string>>;
}

/** Reports whether a request is a POST of JSON with a stated length. The framework handles all others. */
export function isPlain({ method, headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length']);
  return (
    method === 'POST' &&
    headers['content-type'] === 'application/json' &&
    headers['transfer-encoding'] === undefined &&
    length > 0 &&
    length <= LIMITS.httpBodyBytes
  );
}

/** Finds an endpoint by its whole path, or by the parts of the path around an id. */
export function endpointFinder(endpoints: readonly BoundEndpoint[]): (url: string) => Found | undefined {
  const byPath = new Map<string, Found>();
  const aroundId = new Map<string, BoundEndpoint>();
  for (const endpoint of endpoints) {
    // a stream needs the framework's reply, a text the framework's limit
    if (endpoint.method !== 'POST' || endpoint.streams === true || endpoint.takesText !== undefined) continue;
    const path = endpoint.path.replaceAll('::', '\0');
    if (!path.includes(':')) byPath.set(path.replaceAll('\0', ':'), { endpoint, params: NO_PARAMS });
    else if (path.split(':').length === 2 && path.includes('/:id/')) aroundId.set(endpoint.path, endpoint);
  }
  return (url) => {
    const [, before, id, after] = AROUND_ID.exec(url) ?? [];
    const endpoint = id === undefined ? undefined : aroundId.get(`${before}/:id/${after}`);
    return endpoint ? { endpoint, params: { id: id as string } } : byPath.get(url);
  };
}
