import { heldByRule, struckBy } from '../revocation/revocation-rules';
import { blockedItself, type Blocked } from './liveness';
import { chainOf, type GrantNode, type LogState } from './state';

/**
 * Returns what keeps a call in flight of a lease from continuing; undefined if it may. It was permitted, so a cap that it
 * reached itself does not stop it: an exhausted lease ends with its last call. A superseded lease continues as the one that
 * replaced it.
 */
export function stopsCalls(state: LogState, grantId: string, now: number): Blocked | undefined {
  const chain = chainOf(state, grantId);
  if (!chain) return { grantId, status: 'ended' }; // forgotten, since it ended long ago
  for (const grant of chain) {
    const blocked = grant.status === 'exhausted' ? stopsExhausted(state, grant, now) : blockedItself(state, grant, now);
    if (blocked) return blocked;
  }
  return undefined;
}

function stopsExhausted(state: LogState, grant: GrantNode, now: number): Blocked | undefined {
  const revocationId = struckBy(state, grant);
  if (revocationId !== undefined) return { grantId: grant.id, status: 'revoked', revocationId };
  const held = heldByRule(state, grant, now);
  return held && { grantId: grant.id, status: 'suspended', revocationId: held.revocationId };
}
