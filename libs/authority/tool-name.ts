/**
 * A tool's name in its one spelling, so that a rule that names a tool holds for every spelling of it: compatibility
 * forms (NFKC), nothing invisible, no outer spaces, lower case.
 */
export const normalizeTool = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .toLowerCase();
