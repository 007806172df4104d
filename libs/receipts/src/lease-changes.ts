import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import type { Story } from './story';

/**
 * Returns the time of a lease at a position, as its renewals and narrowings left it. A renewal that the lease does not
 * allow, or that follows its end, changes nothing: a permit after the end that it should have had is a finding.
 */
export function timeAt(grant: EventOf<'GrantIssued'>, position: number, { changes }: Story): Limits['time'] {
  let { time } = grant.data.limits;
  for (const { event } of changes.get(grant.grantId as string) ?? []) {
    if (event.position >= position) break;
    if (event.type === 'GrantRenewed') {
      if (mayRenew(time, event)) time = { ...time, expiresAt: event.data.until };
    } else if (at(event.data.limits.time.expiresAt) <= at(time.expiresAt)) time = event.data.limits.time;
  }
  return time;
}

const at = (time: string): number => Date.parse(time);

const mayRenew = ({ expiresAt, renewUntil = '' }: Limits['time'], { time, data }: EventOf<'GrantRenewed'>): boolean =>
  at(time) < at(expiresAt) && at(data.until) <= at(renewUntil);

type Claims = Pick<RunClaims, 'renewals' | 'narrowings'>;

/** Lists how the leases of runs changed after they were issued: renewals by lease, and each narrowing. */
export function leaseChangesOf({ issues, changes }: Story, runs: ReadonlySet<string>): Claims {
  const renewals: NonNullable<Claims['renewals']> = [];
  const narrowings: NonNullable<Claims['narrowings']> = [];
  for (const [grantId, entries] of changes) {
    if (!runs.has(issues.get(grantId)?.event.runId ?? '')) continue;
    const renewed = entries.flatMap(({ event }) => (event.type === 'GrantRenewed' ? [event] : []));
    const last = renewed.at(-1);
    if (last) {
      const { position, time, data } = last;
      renewals.push({ grantId, times: renewed.length, until: data.until, position, time });
    }
    for (const { event } of entries) {
      if (event.type !== 'GrantNarrowed') continue;
      const { position, time, actor, data } = event;
      narrowings.push({ grantId, by: actor.id, limits: data.limits, position, time });
    }
  }
  const byPosition = (a: { position: number }, b: { position: number }): number => a.position - b.position;
  return {
    ...(renewals.length > 0 ? { renewals: renewals.sort(byPosition) } : {}),
    ...(narrowings.length > 0 ? { narrowings: narrowings.sort(byPosition) } : {}),
  };
}
