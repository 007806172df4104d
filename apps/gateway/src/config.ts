import type { Config } from '@bailiwick/platform/config';

/** Injection tokens of the gateway's configuration and connections. */
export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const BUS = Symbol('Bus');

export type GatewayConfig = Pick<
  Config,
  | 'publicUrl'
  | 'boundary'
  | 'files'
  | 'upstreams'
  | 'webhookNetworks'
  | 'dpopNonce'
  | 'resources'
  | 'host'
  | 'port'
  | 'fastPath'
  | 'metrics'
>;
