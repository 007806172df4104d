import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { isEarlier } from './period';
import type { Story } from './story';

/**
 * Returns the time of a lease at a position, as its renewals and narrowings left it. A renewal that the lease does not
 * allow, or that follows its end, changes nothing: a permit after the end that it should have had is a finding.
 * A receipt about a period has only the last renewal before it, so what precedes the period is taken as it is recorded,
 * within the last end that the lease allows.
 */
export function timeAt(grant: EventOf<'GrantIssued'>, position: number, story: Story): Limits['time'] {
  let { time } = grant.data.limits;
  for (const { event } of story.changes.get(grant.grantId as string) ?? []) {
    if (event.position >= position) break;
    const isRecorded = isEarlier(event, story);
    if (event.type === 'GrantRenewed') {
      if (isWithin(time, event) && (isRecorded || isLive(time, event))) time = { ...time, expiresAt: event.data.until };
    } else if (isRecorded || at(event.data.limits.time.expiresAt) <= at(time.expiresAt)) time = event.data.limits.time;
  }
  return time;
}

const at = (time: string): number => Date.parse(time);

const isLive = ({ expiresAt }: Limits['time'], { time }: EventOf<'GrantRenewed'>): boolean => at(time) < at(expiresAt);
const isWithin = ({ renewUntil = '' }: Limits['time'], { data }: EventOf<'GrantRenewed'>): boolean =>
  at(data.until) <= at(renewUntil);

/** Returns the limits of a lease at a position, as its narrowings left them. */
export const limitsAt = (grant: EventOf<'GrantIssued'>, position: number, { changes }: Story): Limits =>
  changes
    .get(grant.grantId ?? '')
    ?.flatMap(({ event }) => (event.type === 'GrantNarrowed' && event.position < position ? [event.data.limits] : []))
    .at(-1) ?? grant.data.limits;

type Claims = Pick<RunClaims, 'renewals' | 'narrowings'>;

/**
 * Lists how the leases of runs changed after they were issued: renewals by lease, and each narrowing. Only the renewals
 * in the period of the receipt are counted.
 */
export function leaseChangesOf(story: Story, runs: ReadonlySet<string>): Claims {
  const { issues, changes } = story;
  const renewals: NonNullable<Claims['renewals']> = [];
  const narrowings: NonNullable<Claims['narrowings']> = [];
  for (const [grantId, entries] of changes) {
    if (!runs.has(issues.get(grantId)?.event.runId ?? '')) continue;
    const renewed = entries.flatMap(({ event }) => (event.type === 'GrantRenewed' ? [event] : []));
    const last = renewed.at(-1);
    if (last) {
      const { position, time, data } = last;
      const times = renewed.filter((event) => !isEarlier(event, story)).length;
      renewals.push({ grantId, times, until: data.until, position, time });
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
