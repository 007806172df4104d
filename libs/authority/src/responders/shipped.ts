import type { CompiledResponder } from './compile';

/** The responders that are in force until a tenant deploys a bundle with responders: none. */
export const SHIPPED_RESPONDERS: readonly CompiledResponder[] = [];
