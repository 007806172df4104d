import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { formatDuration, parseDuration } from '@bailiwick/core/duration';

type Renewal = Pick<Limits['time'], 'renewUntil' | 'ttl'>;

/**
 * Resolves the renewal of a requested lease: none unless `renewUntil` is named, as a time or as a duration from the
 * start. A renewed lease lasts as long as the requested one. A lease that takes its end from an existing lease, which
 * may be about to end, takes the length from it too.
 * @param held the existing lease, or the parent
 */
export function renewalOf(request: GrantRequest['time'], held: Limits['time'], starts: number, ends: number): Renewal {
  const named = request?.renewUntil;
  if (named === undefined) return {};
  const duration = parseDuration(named);
  const until = duration === undefined ? named : rfc3339(Math.min(starts + duration, LAST));
  const isHeld = request?.ttl === undefined && parseTime(held.expiresAt) === ends;
  const ttl = request?.ttl ?? (isHeld ? held.ttl : undefined) ?? formatDuration(wholeSeconds(ends - starts));
  return { renewUntil: rfc3339(parseTime(until) ?? ends), ttl };
}

const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** A duration is at most nine digits of a unit. */
const wholeSeconds = (ms: number): number => (ms < 1_000 ? Math.max(ms, 1) : ms - (ms % 1_000));

/** Returns why a lease with `renewUntil` could never be renewed, if that is the case. */
export function renewalFault({ expiresAt, renewUntil }: Limits['time']): string | undefined {
  if (renewUntil === undefined || Date.parse(renewUntil) > Date.parse(expiresAt)) return undefined;
  return `grant.time.renewUntil: ${renewUntil} is not after the end of the lease, ${expiresAt}; leave it out, or name a shorter ttl`;
}
