import type { LiveView } from '@bailiwick/contracts/queries/query';

/** The answer of an owner whose leases all have this status. */
export const liveness = (lease: object, grantIds: readonly string[]): LiveView => ({
  position: 0,
  ended: (lease as { status?: string }).status === 'active' ? [] : grantIds.map((grantId) => ({ grantId })),
});
