import type { makeLogger } from '@bailiwick/platform/logging';

// Injection tokens of configuration and connections. The type of each value is stated next to its token.

/** `Config` */
export const CONFIG = Symbol('CONFIG');
/** `Logger` */
export const LOGGER = Symbol('LOGGER');
/** `Bus` */
export const BUS = Symbol('BUS');
/** `EventSource`: announces commits */
export const EVENT_SOURCE = Symbol('EVENT_SOURCE');
/** `EventLog` */
export const EVENT_LOG = Symbol('EVENT_LOG');
/** `LogReading`; undefined if this service reads the logs independently */
export const LOG_READING = Symbol('LOG_READING');
/** `Database`: responds to the pings of the health check */
export const DATABASE = Symbol('DATABASE');

export type Logger = Pick<ReturnType<typeof makeLogger>, 'warn' | 'error'>;
export interface Database {
  ping(timeoutMs: number): Promise<boolean>;
}
