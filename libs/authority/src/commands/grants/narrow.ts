import { COUNTERS, type GrantRequest, type Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { canonicalize } from '@bailiwick/core/canonical';
import { err, ok, type Result } from '@bailiwick/core/result';
import { restarted } from '../../dimensions/permissions';
import { sorted } from '../../dimensions/verdict';
import { endedFirst, livenessReason } from '../../state/liveness';
import { chainOf, type GrantNode } from '../../state/state';
import { exhausted } from '../actions/exhaust';
import { newLimits } from './narrowed-limits';
import { narrowingRefusal } from './power';
import { wouldRestart } from './restarted-entries';
import { widerThan } from './run';
import { notFound, refuse, type Decide, type NewEvent } from '../types';

/**
 * Tightens a lease that has not ended, and thereby everything below it: every decision reads the present limits of the
 * whole chain. A suspended lease may be tightened before it is resumed. If the use so far has reached the new cap on
 * calls, nothing is left to do, and the lease ends in the same append; any other cap that is reached denies what would
 * draw on it.
 */
export const narrow: Decide<'narrow'> = (state, command, now) => {
  const chain = chainOf(state, command.grantId);
  if (!chain) return notFound('grant', command.grantId);
  const grant = chain[0] as GrantNode;
  const powerless = narrowingRefusal(state, command.actor, grant, now);
  if (powerless) return err(powerless);
  // an end anywhere in the chain counts before a suspension further up
  const blocked = endedFirst(state, chain, now);
  if (blocked && blocked.status !== 'suspended') {
    const reason = livenessReason(chain, blocked);
    return refuse('GRANT_NOT_LIVE', `grant ${grant.id} cannot be narrowed: ${reason.message}`, [reason]);
  }
  const limits = narrowed(grant.limits, command.grant, now);
  if (!limits.ok) return limits;
  if (canonicalize(limits.value) === canonicalize(grant.limits))
    return refuse('CONFLICT', `grant ${grant.id} has these limits already; name a limit that becomes tighter`);
  const { treeId, runId } = grant;
  const event: NewEvent = {
    type: 'GrantNarrowed',
    treeId,
    runId,
    grantId: grant.id,
    payload: true,
    data: { limits: limits.value, reason: { code: 'NARROWED', says: `narrowed by ${command.actor.id}` } },
  };
  return ok([event, ...usedUp(grant, limits.value)]);
};

/**
 * Returns the limits after a narrowing, or why the request would widen them.
 * @param counting the entries of `permissions` that have counted so far; by default all of them
 */
export function narrowed(
  held: Limits,
  request: GrantRequest,
  now: number,
  counting = held.permissions,
): Result<Limits, Refusal> {
  const limits = newLimits(held, request, now);
  if (!limits.ok) return limits;
  const wider = widerThan(limits.value, onOneLevel(held));
  const counted = wider.length > 0 ? [] : restarted(limits.value.permissions, held.permissions, counting);
  if (counted.length > 0) return err(wouldRestart('NARROWING_WIDENS', WOULD_RESTART, counted));
  if (wider.length === 0) return limits;
  return err({
    code: 'NARROWING_WIDENS',
    detail: `a narrowing can only take away, and ${sorted(wider.map(({ path }) => path)).join(', ')} would be more than it is now`,
    reasons: wider,
  });
}

const WOULD_RESTART =
  'an entry with caps stays as it is, with caps no larger, or goes: another one would count from nothing; narrow actions or resources, or deny pairs';

/** Returns limits with which those of the same grant compare: a child of the grant would have one level less. */
export const onOneLevel = (limits: Limits): Limits => ({
  ...limits,
  delegation: { ...limits.delegation, depth: limits.delegation.depth + 1 },
});

/** I3: ends a lease whose cap on calls was lowered to what it has used. */
function usedUp(grant: GrantNode, { budget }: Limits): NewEvent[] {
  const { usage, limits } = grant;
  if (budget.calls >= limits.budget.calls || usage.committed.calls < budget.calls) return [];
  const caps = COUNTERS.filter((each) => usage.committed[each] >= budget[each] && budget[each] < limits.budget[each]);
  return [exhausted(grant, caps.map((each) => `budget.${each}`).sort())];
}
