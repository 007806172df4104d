import type { Config } from '@bailiwick/platform/config';

/** Injection tokens of the configuration and the connections. */
export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const BUS = Symbol('Bus');

export type BoundaryConfig = Pick<Config, 'publicUrl' | 'host' | 'boundary' | 'files' | 'upstreams'>;
