import { nameKey } from '@bailiwick/core/look-alike';

/** A tool's name in its one spelling, so that a rule that names a tool holds for every name that looks like it. */
export const normalizeTool: (name: string) => string = nameKey;
