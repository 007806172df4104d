import { toolDeniedBy } from '../revocation/revocation-rules';
import { blockedItself, blockedUnended, type Blocked } from './liveness';
import { chainOf, current, type LogState } from './state';

/**
 * Returns what keeps a call in flight of a lease from continuing; undefined if it may. It was permitted, so a cap that it
 * reached itself does not stop it: an exhausted lease ends with its last call. All else stops it as a call of a lease that
 * is not exhausted, the time of the lease among it. A superseded lease continues as the one that replaced it.
 */
export function stopsCalls(state: LogState, grantId: string, now: number): Blocked | undefined {
  const chain = chainOf(state, grantId);
  if (!chain) return { grantId, status: 'ended' }; // forgotten, since it ended long ago
  for (const grant of chain) {
    const blocked = (grant.status === 'exhausted' ? blockedUnended : blockedItself)(state, grant, now);
    if (blocked) return blocked;
  }
  return undefined;
}

/** A call in flight that must be aborted although its lease lives on. */
export interface DeniedCall {
  /** the lease as it was asked about */
  readonly grantId: string;
  readonly actionId: string;
  /** denies the tool or the verb of the call */
  readonly revocationId: string;
}

/**
 * Returns the calls in flight of leases that a rule denies which was made after their permits. A rule that is older than a
 * permit did not deny the call then, and no rule becomes stricter: so only permits before the newest rule that names a tool
 * or verbs are read, and few minutes later there are none.
 */
export function deniedCalls(state: LogState, grantIds: readonly string[], now: number): DeniedCall[] {
  const { newestNaming } = state.rules;
  if (newestNaming < 0) return [];
  const asked = new Map<string, string[]>();
  for (const grantId of new Set(grantIds)) {
    const present = current(state, grantId)?.id;
    if (present !== undefined) asked.set(present, [...(asked.get(present) ?? []), grantId]);
  }
  const denied: DeniedCall[] = [];
  for (const action of state.actions.values()) {
    if (action.position > newestNaming) break; // they are in the order of their permits
    const names = asked.get(current(state, action.grantId)?.id ?? '');
    const chain = names && chainOf(state, action.grantId);
    if (!chain) continue;
    const rule = toolDeniedBy(state, chain, action, now, (each) => each.position > action.position)?.rule;
    if (!rule) continue;
    for (const grantId of names) denied.push({ grantId, actionId: action.id, revocationId: rule.revocationId });
  }
  return denied;
}
