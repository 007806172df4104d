import type { Reason } from '@bailiwick/contracts/reason';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { ok, err, type Result } from '@bailiwick/core/result';
import { lengthOf } from '../../dimensions/time';
import { counted } from '../../presentation/text';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { chainOf, type GrantNode, type LogState } from '../../state/state';
import { holdsOrAbove } from './power';
import { notFound, refuse, type Decide } from '../types';

/** Lets a live lease last one length longer: the holder is at work, and nothing speaks against it. */
export const renew: Decide<'renew'> = (state, command, now) => {
  const chain = chainOf(state, command.grantId);
  if (!chain) return notFound('grant', command.grantId);
  const grant = chain[0] as GrantNode;
  if (!holdsOrAbove(state, command.actor, grant))
    return refuse('FORBIDDEN', 'a run may only renew its own lease, and those below it');
  const renewed = renewedUntil(state, chain, now);
  if (!renewed.ok) {
    return refuse('RENEWAL_NOT_ALLOWED', `grant ${grant.id} is not renewed: ${renewed.error.message}`, [renewed.error]);
  }
  const { treeId, runId } = grant;
  const data = { from: rfc3339(grant.expiresAt), until: rfc3339(renewed.value) };
  return ok([{ type: 'GrantRenewed', treeId, runId, grantId: grant.id, data }]);
};

/**
 * Returns the end that a renewal now would give a lease, in ms: one length from now, but not after its last end, nor
 * after the present end of a lease above it.
 * @returns the reason if it is not renewed
 */
export function renewedUntil(state: LogState, chain: readonly GrantNode[], now: number): Result<number, Reason> {
  const grant = chain[0] as GrantNode;
  const { renewUntil } = grant.limits.time;
  if (renewUntil === undefined)
    return no('its lease cannot be renewed: it has no time.renewUntil', { path: 'time.renewUntil' });
  const blocked = blockedInChain(state, chain, now);
  if (blocked) return err(livenessReason(chain, blocked));
  const drifted = driftReason(state, chain);
  if (drifted) return err(drifted);
  const streak = state.denialStreaks.get(grant.runId) ?? 0;
  if (streak >= LIMITS.renewalDenials) {
    const says = `the last ${counted(streak, 'decision')} of the run were denials; it is renewed after a permitted action, or once a person has suspended and resumed it`;
    return no(says, { limit: LIMITS.renewalDenials, actual: streak });
  }
  const last = parseTime(renewUntil) ?? 0;
  const above = Math.min(...chain.slice(1).map(({ expiresAt }) => expiresAt));
  const until = Math.min(Math.max(now, grant.notBefore) + lengthOf(grant.limits.time), last, above);
  const isLast = until === last || until === above;
  if (until - grant.expiresAt >= (isLast ? 1 : LIMITS.renewalMinMs)) return ok(until);
  const why =
    grant.expiresAt >= last
      ? `it is renewed until ${renewUntil} at most`
      : grant.expiresAt >= above
        ? `a lease above it ends at ${rfc3339(above)}; that lease must be renewed first`
        : `it was renewed or issued just now, and ends at ${rfc3339(grant.expiresAt)}; renew it later`;
  return no(why, { path: 'time.expiresAt', limit: rfc3339(until), actual: rfc3339(grant.expiresAt) });
}

/** A run that a person would be asked about is not renewed without one: a resumption resets its score. */
function driftReason(state: LogState, chain: readonly GrantNode[]): Reason | undefined {
  const drift = state.runs.get(chain[0]?.runId ?? '')?.drift ?? 0;
  const strict = chain.find(({ limits }) => drift >= limits.purpose.onDrift.stepUpAt);
  if (drift <= 0 || !strict) return undefined;
  const { stepUpAt } = strict.limits.purpose.onDrift;
  return {
    rule: 'purpose',
    outcome: 'deny',
    code: 'DRIFT_STEP_UP',
    message: `the run has moved ${drift.toFixed(2)} from its purpose, and from ${stepUpAt} on a person is asked`,
    grantId: strict.id,
    path: 'purpose.onDrift.stepUpAt',
    limit: stepUpAt,
    actual: drift,
  };
}

const no = (message: string, evidence: Pick<Reason, 'path' | 'limit' | 'actual'>): Result<never, Reason> =>
  err({ rule: 'time', outcome: 'deny', code: 'RENEWAL_NOT_ALLOWED', message, ...evidence });
