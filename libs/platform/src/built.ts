/**
 * Flags on Node's command line with which a process loads the built packages: packages of this repository export their
 * sources by default, for tools and tests, and their builds under this condition. Workers and forked children inherit
 * the flags; a spawned process must be given them.
 * @see https://nodejs.org/api/packages.html#resolving-user-conditions
 */
export const BUILT_FLAGS = ['--conditions=built'] as const;
