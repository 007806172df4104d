import type { Actor } from '@bailiwick/contracts/events/event';
import type { Refusal } from '@bailiwick/contracts/reason';
import { levelsBelow } from '../../state/branch';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { chainOf, type GrantNode, type LogState } from '../../state/state';
import { refuse } from '../types';

/**
 * The power of a run over what it delegated. It may suspend, revoke and, with limits, resume a lease below its own, and
 * nothing beside or above it. A run that is suspended or has ended has no power: what is below it can do nothing either,
 * and an attacker who holds its token must not destroy it.
 */
export function powerRefusal(state: LogState, actor: Actor, grant: GrantNode, now: number): Refusal | undefined {
  if (actor.kind !== 'run') return undefined;
  const levels = levelsBelow(state, actor.id, grant.runId);
  if (levels === undefined || levels === 0)
    return forbidden('a run may suspend, resume or revoke only what it delegated');
  const own = state.runs.get(actor.id)?.grantId;
  const chain = own === undefined ? undefined : chainOf(state, own);
  const blocked = chain && blockedInChain(state, chain, now);
  if (chain && !blocked) return undefined;
  const reason = chain && blocked && livenessReason(chain, blocked);
  const { error } = refuse('GRANT_NOT_LIVE', `run ${actor.id} may do nothing: ${reason?.message ?? 'it has no lease'}`);
  return reason ? { ...error, reasons: [reason] } : error;
}

/**
 * Reports whether an actor may replace the suspension of a grant by its own: a person, a service or the system one by a
 * run, and a run one by a run below itself. The run that suspended it can then no longer resume it.
 */
export function outranksHolder(state: LogState, actor: Actor, grant: GrantNode): boolean {
  const holder = state.heldByRun.get(grant.id);
  if (holder === undefined || grant.status !== 'suspended') return false;
  if (actor.kind !== 'run') return true;
  return holder !== actor.id && levelsBelow(state, actor.id, holder) !== undefined;
}

/** Refuses to resume what the run did not suspend itself, or what drift would suspend. */
export function resumeRefusal(state: LogState, actor: Actor, grant: GrantNode): Refusal | undefined {
  if (actor.kind !== 'run') return undefined;
  if (state.heldByRun.get(grant.id) !== actor.id)
    return forbidden('a run may resume only what it suspended itself; this suspension is of another');
  const drift = state.runs.get(grant.runId)?.drift ?? 0;
  return drift >= grant.limits.purpose.onDrift.suspendAt
    ? forbidden('the run below has left its declared purpose; a person must review and resume it')
    : undefined;
}

const forbidden = (detail: string): Refusal => refuse('FORBIDDEN', detail).error;
