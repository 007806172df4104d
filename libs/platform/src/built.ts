/**
 * What a process of ours needs on Node's command line to load what is built: the packages of this repository export
 * their sources by default, for tools and tests, and their builds under this condition. Workers and forked children
 * inherit it; a process that is spawned must be given it.
 * @see https://nodejs.org/api/packages.html#resolving-user-conditions
 */
export const BUILT_FLAGS = ['--conditions=built'] as const;
