import { attenuatesAll } from '@bailiwick/authority/dimensions/all';
import { addedEnds, isEnd, mayBeEnd } from '@bailiwick/authority/dimensions/ends-on';
import { describeEntry } from '@bailiwick/authority/dimensions/entry';
import { restarted } from '@bailiwick/authority/dimensions/permissions';
import { recordedFacts } from '@bailiwick/authority/dimensions/recorded-facts';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { at, type Books, type Grant, type Permit } from './books';
import type { ReportFinding } from './finding';

/** More work than a decision may take, as for the comparison with a parent. */
const EFFORT = 10;

/**
 * I1, I2: checks that a renewal extends a live lease, by one length at most, within what the lease and those above it
 * allow, and that nothing spoke against it. Then applies it.
 */
export function checkRenewal(books: Books, event: EventOf<'GrantRenewed'>, report: ReportFinding): void {
  const { from, until } = event.data;
  const chain = books.chain(event.grantId);
  const grant = chain?.[0];
  if (!grant || grant.id !== event.grantId) return report('custody', `${event.grantId ?? 'no grant'} is not in force`);
  const now = at(event.time);
  const dead = books.dead(chain, now);
  if (dead !== undefined) report('liveness', `renewed although ${dead}`);
  const { renewUntil, ttl = '', notBefore } = grant.limits.time;
  const longest = Math.max(now, at(notBefore)) + (parseDuration(ttl) ?? 0);
  if (renewUntil === undefined) report('attenuation', `${grant.id} is renewed, but cannot be`);
  else if (!(at(until) <= at(renewUntil)))
    report('attenuation', `${grant.id} is renewed until ${until}, but may be until ${renewUntil}`);
  if (!(at(until) <= longest)) report('attenuation', `${grant.id} is renewed for longer than ${ttl}`);
  const above = chain.slice(1).find(({ expiresAt }) => !(at(until) <= expiresAt));
  if (above) report('attenuation', `${grant.id} is renewed until ${until}, beyond the end of ${above.id}`);
  if (at(from) !== grant.expiresAt || !(at(until) > grant.expiresAt))
    report('liveness', `the renewal of ${grant.id} does not follow its end`);
  const { drift, denials } = books.conduct(grant.run.id);
  if (drift > 0 && chain.some(({ limits }) => drift >= limits.purpose.onDrift.stepUpAt))
    report('liveness', `${grant.id} is renewed after a drift of ${drift}`);
  if (denials >= LIMITS.renewalDenials) report('liveness', `${grant.id} is renewed after ${denials} denials`);
  grant.expiresAt = at(until);
  grant.limits = { ...grant.limits, time: { ...grant.limits.time, expiresAt: until } };
}

/** I1: checks that a narrowing takes nothing but authority away from a lease that has not ended. Then applies it. */
export function checkNarrowing(books: Books, event: EventOf<'GrantNarrowed'>, report: ReportFinding): void {
  const { limits } = event.data;
  const chain = books.chain(event.grantId);
  const grant = chain?.[0];
  if (!grant || grant.id !== event.grantId) return report('custody', `${event.grantId ?? 'no grant'} is not in force`);
  // also brings the rules up to date that match the limits so far
  const dead = books.dead(chain, at(event.time));
  if (dead !== undefined && !dead.endsWith('is suspended')) report('liveness', `narrowed although ${dead}`);
  for (const { message } of attenuatesAll(limits, onOneLevel(grant.limits), EFFORT))
    report('attenuation', `a narrowed grant that ${message}`);
  const { actor } = event;
  const own = chain.findIndex(({ run }) => run.id === actor.id);
  if (actor.kind === 'run' && own < 0)
    report('custody', `${grant.id} is narrowed by ${actor.id}, which neither holds it nor gave it`);
  const powerless = own < 0 ? undefined : books.dead(chain.slice(own), at(event.time));
  if (actor.kind === 'run' && powerless !== undefined)
    report('liveness', `${grant.id} is narrowed by ${actor.id}, which may do nothing: ${powerless}`);
  for (const entry of restarted(limits.permissions, grant.limits.permissions))
    report('budget', `a narrowing under which ${describeEntry(entry)} counts from nothing`);
  grant.account.raise(limits.budget);
  grant.entries.raise(limits);
  // an end that it adds also applies to calls in flight, by their verb
  const added = addedEnds(grant.limits.time.endsOn, limits.time.endsOn);
  for (const permit of books.open.values()) {
    const isBelow = mayBeEnd(added, permit.verb) && books.chain(permit.grantId)?.includes(grant);
    if (isBelow) permit.ends = [...permit.ends, grant.id];
  }
  grant.limits = limits;
  grant.expiresAt = at(limits.time.expiresAt);
}

const onOneLevel = (limits: Limits): Limits => ({
  ...limits,
  delegation: { ...limits.delegation, depth: limits.delegation.depth + 1 },
});

/** Returns the grants of a chain that end if a permitted action is completed. */
export function endsOf(chain: readonly Grant[], { data }: EventOf<'ActionPermitted'>): string[] {
  const facts = recordedFacts(data, (chain[0] as Grant).run.agent);
  return chain.flatMap(({ id, limits: { time } }) => (time.endsOn && isEnd(time.endsOn, facts) ? [id] : []));
}

/** Returns the grants that end with a completed action: they must end with the events that follow its outcome. */
export function endedBy(books: Books, permit: Permit): Grant[] {
  const named = permit.ends.flatMap((id) => books.standing(id) ?? []);
  return [...new Set(named)].filter(({ ended }) => ended === undefined);
}
