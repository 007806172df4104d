import type { Actor } from '@bailiwick/contracts/events/event';
import type { Refusal } from '@bailiwick/contracts/reason';
import { levelsBelow } from '../../state/branch';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { chainOf, type GrantNode, type LogState } from '../../state/state';
import { refuse } from '../types';

/**
 * Returns why a run has no power over a lease. It may suspend, revoke and, with limits, resume a lease below its own, and
 * nothing next to or above it. A run that is suspended or has ended has no power: what is below it can do nothing either,
 * and an attacker who holds its token must not destroy it.
 */
export function powerRefusal(state: LogState, actor: Actor, grant: GrantNode, now: number): Refusal | undefined {
  if (actor.kind !== 'run') return undefined;
  const levels = levelsBelow(state, actor.id, grant.runId);
  if (levels === undefined || levels === 0)
    return forbidden('a run may suspend, resume or revoke only what it delegated');
  return blockedRefusal(state, actor.id, now);
}

/** Returns why an actor may not narrow a lease. A run may narrow its own lease and those below it. */
export function narrowingRefusal(state: LogState, actor: Actor, grant: GrantNode, now: number): Refusal | undefined {
  if (actor.kind === 'system') return forbidden('a person, a service or a run narrows a lease, not the monitor');
  if (actor.kind !== 'run') return undefined;
  return holdsOrAbove(state, actor, grant)
    ? blockedRefusal(state, actor.id, now)
    : forbidden('a run may only narrow its own lease, and those below it');
}

/** Reports whether an actor is the run that holds a lease, a run above it, or no run. */
export const holdsOrAbove = (state: LogState, actor: Actor, grant: GrantNode): boolean =>
  actor.kind !== 'run' || levelsBelow(state, actor.id, grant.runId) !== undefined;

/** Refuses a run that can do nothing itself. */
function blockedRefusal(state: LogState, runId: string, now: number): Refusal | undefined {
  const own = state.runs.get(runId)?.grantId;
  const chain = own === undefined ? undefined : chainOf(state, own);
  const blocked = chain && blockedInChain(state, chain, now);
  if (chain && !blocked) return undefined;
  const reason = chain && blocked && livenessReason(chain, blocked);
  const { error } = refuse('GRANT_NOT_LIVE', `run ${runId} may do nothing: ${reason?.message ?? 'it has no lease'}`);
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
