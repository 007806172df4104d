import { nameKey } from '@bailiwick/core/look-alike';

/** Returns the one spelling of a tool's name, so that a rule that names a tool covers every name that looks like it. */
export const normalizeTool: (name: string) => string = nameKey;
