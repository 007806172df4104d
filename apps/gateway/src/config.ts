import type { Config } from '@bailiwick/platform/config';

/** Injection tokens of what the gateway is configured with and connected to. */
export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const BUS = Symbol('Bus');

export type GatewayConfig = Pick<Config, 'publicUrl' | 'files' | 'dpopNonce' | 'host' | 'port' | 'fastPath'>;
