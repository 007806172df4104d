import type { LiveView } from '@bailiwick/contracts/queries/query';

/** What denies the calls of a double. */
export const DENIES = `rev_0_${'d'.repeat(26)}`;

/** The answer of an owner whose leases all have this status, and of which it denies this action if it has one. */
export const liveness = (lease: object, grantIds: readonly string[]): LiveView => {
  const { status, denies } = lease as { status?: string; denies?: string };
  return {
    position: 0,
    ended: status === 'active' ? [] : grantIds.map((grantId) => ({ grantId })),
    denied:
      denies === undefined ? [] : grantIds.map((grantId) => ({ grantId, actionId: denies, revocationId: DENIES })),
  };
};
