import type { Provider } from '@nestjs/common';
import type { Config } from '@bailiwick/platform/config';
import type { Logger } from '@bailiwick/platform/logging';
import { RunTokens } from '../auth/run-tokens';
import { GuardedCalls } from '../calls/guarded-calls';
import { CONFIG, LOGGER } from '../config';
import { Authorizations } from '../http-tools/authorizations';
import { ForwardProxy } from '../http-tools/forward-proxy';
import { HttpTools, type HttpParts } from '../http-tools/http-tools';
import { Models } from '../models/models';
import type { Endpoint } from './front';
import { Registrations } from './registrations';

/** Injection token of the endpoints that take plain HTTP requests. */
export const ENDPOINTS = Symbol('Endpoints');

/** The providers of the endpoints for plain HTTP: the registrations of `http.json`, and their calls. */
export const PLAIN_HTTP: Provider[] = [
  {
    provide: Registrations,
    inject: [CONFIG, LOGGER],
    useFactory: ({ files }: Config, logger: Logger) => new Registrations(files.http, logger),
  },
  {
    provide: ENDPOINTS,
    inject: [CONFIG, RunTokens, Registrations, GuardedCalls],
    useFactory: (config: Config, tokens: RunTokens, registrations: Registrations, calls: GuardedCalls) =>
      endpointsOf({ config, tokens, registrations, calls }),
  },
];

export const endpointsOf = (parts: HttpParts): Endpoint[] => [
  new HttpTools(parts),
  new Authorizations(parts),
  new Models(parts),
  new ForwardProxy(parts),
];
