import type { Limits } from '@bailiwick/contracts/grants/grant';
import { parseTime } from '@bailiwick/core/clock';
import { addedEnds, mayBeEnd } from '../dimensions/ends-on';
import { lengthOf } from '../dimensions/time';
import { chainOf, type GrantNode, type LogState } from '../state/state';
import { setAside } from '../state/reserves';
import { countKeys, usageFor } from '../state/scopes';
import { dropScopes } from './dropped-scopes';
import { isOpen } from './endings';
import { follows, grantOf, must, type Fold } from './follows';

/**
 * Moves the end of a live lease. A renewal never revives an ended lease, and never exceeds what the lease and those
 * above it allow.
 */
export const grantRenewed: Fold<'GrantRenewed'> = (state, event, at) => {
  const grant = grantOf(state, event);
  const [from, until] = [parseTime(event.data.from), must(parseTime(event.data.until), 'until', event)];
  follows(grant.status === 'active' && at < grant.expiresAt, 'a grant that is active', event);
  follows(from === grant.expiresAt && until > grant.expiresAt, 'the end of its grant', event);
  const { time } = grant.limits;
  const last = time.renewUntil === undefined ? -Infinity : (parseTime(time.renewUntil) ?? -Infinity);
  follows(until <= last && until <= Math.max(at, grant.notBefore) + lengthOf(time), 'the renewal it allows', event);
  const above = must(chainOf(state, grant.id), 'chain of the grant', event).slice(1);
  follows(
    above.every(({ expiresAt }) => until <= expiresAt),
    'the grants above it',
    event,
  );
  endsAt(state, grant, until);
  grant.limits = { ...grant.limits, time: { ...time, expiresAt: event.data.until } };
};

/**
 * Tightens an open lease. The use so far counts under the new limits. The fold checks only the time; `decide` and the
 * audit compare the other limits.
 */
export const grantNarrowed: Fold<'GrantNarrowed'> = (state, event, at) => {
  const grant = grantOf(state, event);
  const { limits } = event.data;
  const notBefore = must(parseTime(limits.time.notBefore), 'notBefore', event);
  const expiresAt = must(parseTime(limits.time.expiresAt), 'expiresAt', event);
  follows(isOpen(grant.status), 'a grant that has not ended', event);
  follows(notBefore >= grant.notBefore && expiresAt <= grant.expiresAt, 'the time of its grant', event);
  const above = must(chainOf(state, grant.id), 'chain of the grant', event).slice(1);
  const old = { usage: grant.usage, limits: grant.limits };
  dropScopes(state, grant, limits);
  addEnds(state, grant, limits);
  grant.usage = usageFor(limits, event.position, old);
  grant.limits = state.shared.limits(limits);
  if (old.usage.aside) setAside(grant, above, old);
  grant.notBefore = notBefore;
  if (expiresAt !== grant.expiresAt) endsAt(state, grant, expiresAt);
  const added = addedCounts(old.limits, limits, state.narrowed.get(grant.id)?.added);
  const counts = added.length > 0 ? { added } : {};
  state.narrowed.set(grant.id, { position: event.position, at, by: event.actor.id, ...counts });
};

/** Returns what narrowings have added that the lease counts separately, and so does not count from its issue on. */
function addedCounts(held: Limits, limits: Limits, before: readonly string[] = []): string[] {
  const known = new Set(countKeys(held));
  return [...new Set([...before, ...countKeys(limits).filter((key) => !known.has(key))])].sort();
}

/**
 * Applies the ends that a narrowing adds to the calls in flight. Only the verb of such a call is still known, and in doubt
 * it is the end.
 */
function addEnds(state: LogState, { id, treeId, limits: held }: GrantNode, limits: Limits): void {
  const added = addedEnds(held.time.endsOn, limits.time.endsOn);
  if (added.length === 0) return;
  for (const action of state.actions.values()) {
    if (action.treeId !== treeId || !mayBeEnd(added, action.verb)) continue;
    if (!chainOf(state, action.grantId)?.some((grant) => grant.id === id)) continue;
    state.ends.set(action.id, [...new Set([...(state.ends.get(action.id) ?? []), id])]);
  }
}

/** Moves the deadline of a grant; the deadline of its former end is removed when it surfaces, or with other stale ones. */
function endsAt(state: LogState, grant: GrantNode, expiresAt: number): void {
  grant.expiresAt = expiresAt;
  state.deadlines.add({ at: expiresAt, kind: 'grant', id: grant.id });
  state.ended.stale += 1;
}
