import { rfc3339 } from '@bailiwick/core/clock';
import { meetAll } from '../dimensions/all';
import { renewedUntil } from '../commands/grants/renew';
import { isOpen } from '../events/endings';
import { chainOf } from '../state/state';
import { timeOf, type Of } from './recorded';
import type { ShadowLog } from './shadow-log';

/** Renews and narrows the leases of a shadow as recorded, as far as the change leaves them. */
export class ShadowLeases {
  constructor(private readonly log: ShadowLog) {}

  /** Decides a renewal again: the change may have taken it away, or put an earlier end above the lease. */
  renew(event: Of<'GrantRenewed'>): void {
    const { state } = this.log;
    const grantId = this.log.currentLease(event.grantId as string);
    const chain = chainOf(state, grantId);
    const grant = chain?.[0];
    if (!chain || !grant) return;
    const run = state.runs.get(grant.runId);
    const renewed = renewedUntil(state, chain, timeOf(event));
    if (!renewed.ok)
      return this.log.ofGrant(event, grant.id, run?.agent.class ?? '', 'renewed->refused', renewed.error.message);
    const data = { from: rfc3339(grant.expiresAt), until: rfc3339(renewed.value) };
    this.log.fold({ ...event, grantId: grant.id, data });
  }

  /** Keeps a narrowing: the lease keeps what the change and the narrowing both leave it. */
  narrow(event: Of<'GrantNarrowed'>): void {
    const { state, recorded } = this.log;
    const grantId = this.log.currentLease(event.grantId as string);
    const grant = state.grants.get(grantId);
    if (!grant || !isOpen(grant.status)) return;
    const isSame = grantId === event.grantId && !recorded.has(grantId);
    const limits = isSame ? event.data.limits : meetAll(grant.limits, event.data.limits);
    if (!isSame) recorded.set(grantId, event.data.limits);
    this.log.fold({ ...event, grantId, data: { ...event.data, limits } });
  }
}
