import { blockedItself, blockedUnended, type Blocked } from './liveness';
import { chainOf, type LogState } from './state';

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
