import type { Warn } from '@bailiwick/platform/logs/log-state';
import type { makeLogger } from '@bailiwick/platform/logging';

// Injection tokens of configuration and connections. The type of each value is stated next to its token.

/** `Config` */
export const CONFIG = Symbol('CONFIG');
/** `Logger` */
export const LOGGER = Symbol('LOGGER');
/** `Warn` */
export const WARN = Symbol('WARN');
/** `string` */
export const DATABASE_URL = Symbol('DATABASE_URL');
/** `KeyObject`: signs checkpoints and receipts */
export const LOG_KEY = Symbol('LOG_KEY');
/** `WitnessConfig` */
export const WITNESS_CONFIG = Symbol('WITNESS_CONFIG');
/** `Bus` */
export const BUS = Symbol('BUS');
/** `EventSource`: announces commits */
export const EVENT_SOURCE = Symbol('EVENT_SOURCE');
/** `EventLog` */
export const EVENT_LOG = Symbol('EVENT_LOG');
/** `LogReading`; undefined if this service reads the logs independently */
export const LOG_READING = Symbol('LOG_READING');
/** `PeopleNames`: reads the names of people for receipts */
export const PEOPLE = Symbol('PEOPLE');
/** `WebhookDeliveries` */
export const WEBHOOK_DELIVERIES = Symbol('WEBHOOK_DELIVERIES');
/** `Database`: answers pings for the health check */
export const DATABASE = Symbol('DATABASE');

export type Logger = Pick<ReturnType<typeof makeLogger>, 'warn' | 'error'>;
export type { Warn };
export interface Database {
  ping(timeoutMs: number): Promise<boolean>;
}
