import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { parseDuration } from '@bailiwick/core/duration';
import { err, type Result } from '@bailiwick/core/result';
import { resolveNarrowing } from './resolve';

/**
 * Resolves the request to narrow a lease: members left out stay, and so do denials, windows, caps per action and ends.
 * An end named without `renewUntil` is final: the lease is no longer renewed.
 */
export function newLimits(held: Limits, request: GrantRequest, now: number): Result<Limits, Refusal> {
  const time = narrowedTime(held.time, request.time, now);
  if (typeof time === 'string') return err({ code: 'BAD_REQUEST', detail: time });
  return resolveNarrowing(request, held, time, now);
}

function narrowedTime(held: Limits['time'], request: GrantRequest['time'], now: number): Limits['time'] | string {
  const { ttl, notBefore, expiresAt, renewUntil, endsOn } = request ?? {};
  const length = ttl === undefined ? undefined : parseDuration(ttl);
  const starts = Math.max(parseTime(notBefore ?? held.notBefore) ?? now, now);
  const end =
    length !== undefined ? rfc3339(starts + length) : expiresAt === undefined ? undefined : canonical(expiresAt);
  const last =
    renewUntil === undefined ? undefined : rfc3339(parseTime(renewUntil) ?? now + (parseDuration(renewUntil) ?? 0));
  if (last !== undefined && held.renewUntil === undefined)
    return 'grant.time.renewUntil: the lease cannot be renewed; leave it out';
  const isFinal = end !== undefined && last === undefined;
  const ends = end ?? held.expiresAt;
  const until = last ?? held.renewUntil;
  if (last !== undefined && Date.parse(last) <= Date.parse(ends))
    return `grant.time.renewUntil: ${last} is not after the end of the lease, ${ends}; name expiresAt to end it for good`;
  return {
    notBefore: notBefore === undefined ? held.notBefore : canonical(notBefore),
    expiresAt: ends,
    ...(isFinal || until === undefined ? {} : { renewUntil: until, ttl: ttl ?? held.ttl }),
    ...(endsOn === undefined ? {} : { endsOn }),
  };
}

const canonical = (time: string): string => rfc3339(parseTime(time) ?? NaN);
