import type { ImportKeys } from '@bailiwick/platform/keys/import-keys';

/** Injection tokens for configuration and connections. */
export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const BUS = Symbol('Bus');
export const EVENT_LOG = Symbol('EventLog');
export const PAYLOADS = Symbol('Payloads');
export const STAGED_IMPORTS = Symbol('StagedImports');
export const PEOPLE = Symbol('PeopleNames');
export const SESSIONS = Symbol('Sessions');
export const ACCESS_KEYS = Symbol('AccessKeys');
export const MCP_PINS = Symbol('McpPins');
export const WEBHOOKS = Symbol('Webhooks');
export const SSF_STREAMS = Symbol('SsfStreams');
export const IMPORT_KEYS = Symbol('ImportKeys');

/** Reads the keys that the operator has pinned, as they are now. */
export type ReadImportKeys = () => ImportKeys;
