import type { Reason } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { asideBy } from './set-aside';
import { heldByRule, struckBy } from '../revocation/revocation-rules';
import type { GrantNode, LogState } from './state';

/** The reason why a grant itself, apart from its ancestors, is not live. */
export interface Blocked {
  readonly grantId: string;
  readonly status: string;
  /** the rule that ended it or, with status `suspended`, that suspends it */
  readonly revocationId?: string | undefined;
  /** status `suspended` by a rule: when that ends without an event, ms */
  readonly until?: number | undefined;
  /** the position of the event that set its tree aside: such a grant may do no more than a suspended one */
  readonly aside?: number | undefined;
}

/** I2 for one grant alone: checks its status, its time and the rules that strike it. Undefined: the grant is live. */
export function blockedItself(state: LogState, grant: GrantNode, now: number): Blocked | undefined {
  if (grant.status !== 'active' && grant.status !== 'suspended') {
    return { grantId: grant.id, status: grant.status, revocationId: grant.revocationId };
  }
  return blockedUnended(state, grant, now);
}

/** I2 for one grant alone, as if no event had ended it: only a suspension, its time and the rules that strike it count. */
export function blockedUnended(state: LogState, grant: GrantNode, now: number): Blocked | undefined {
  const revocationId = struckBy(state, grant);
  if (revocationId !== undefined) return { grantId: grant.id, status: 'revoked', revocationId };
  if (now >= grant.expiresAt) return { grantId: grant.id, status: 'expired' };
  const aside = asideBy(state, grant.treeId)?.position;
  if (aside !== undefined) return { grantId: grant.id, status: 'suspended', aside };
  if (grant.status === 'suspended') return { grantId: grant.id, status: 'suspended' };
  const rule = heldByRule(state, grant, now);
  return rule && { grantId: grant.id, status: 'suspended', revocationId: rule.revocationId, until: rule.until };
}

/** Reports whether only a rule suspends a grant: it is active itself, and can be suspended itself, too. */
export const isHeldByRule = ({ status, revocationId }: Blocked): boolean =>
  status === 'suspended' && revocationId !== undefined;

/** Returns what `blockedItself` returns, without the suspensions by rule. */
export function blockedByOwn(state: LogState, grant: GrantNode, now: number): Blocked | undefined {
  const blocked = blockedItself(state, grant, now);
  return blocked && isHeldByRule(blocked) ? undefined : blocked;
}

/** I2: returns the first cause in the chain, from the root down, that keeps its leaf from being live. */
export function blockedInChain(state: LogState, chain: readonly GrantNode[], now: number): Blocked | undefined {
  for (let i = chain.length - 1; i >= 0; i--) {
    const blocked = blockedItself(state, chain[i] as GrantNode, now);
    if (blocked) return blocked;
  }
  return undefined;
}

/** I2: returns the cause that ended the leaf of a chain first, or the suspension if the leaf has not ended. */
export function endedFirst(state: LogState, chain: readonly GrantNode[], now: number): Blocked | undefined {
  let first: { blocked: Blocked; at: number } | undefined;
  for (const grant of chain) {
    const blocked = blockedItself(state, grant, now);
    if (!blocked) continue;
    const at = sinceWhen(state, grant, blocked);
    if (!first || at <= first.at) first = { blocked, at };
  }
  return first?.blocked;
}

function sinceWhen(state: LogState, grant: GrantNode, { status, revocationId }: Blocked): number {
  if (grant.endedAt !== undefined) return grant.endedAt;
  if (status === 'suspended') return Infinity; // no end
  if (status === 'expired' || revocationId === undefined) return grant.expiresAt;
  return state.rules.find(revocationId)?.time ?? Infinity;
}

export function livenessReason(chain: readonly GrantNode[], blocked: Blocked): Reason {
  const leaf = chain[0] as GrantNode;
  const grant = chain.find((each) => each.id === blocked.grantId) as GrantNode;
  const whose = grant === leaf ? 'this grant' : `its ancestor ${grant.id}`;
  const reason = endReasonOf(grant, blocked);
  const why = reason === undefined ? '' : `: ${reason}`;
  return {
    rule: 'liveness',
    outcome: 'deny',
    code:
      blocked.status === 'revoked' && blocked.revocationId !== undefined && grant.revocationId === undefined
        ? 'REVOKED_BY_RULE'
        : 'GRANT_NOT_LIVE',
    message: `${whose} is ${blocked.status}${why}`,
    grantId: grant.id,
    actual:
      blocked.revocationId === undefined
        ? blocked.status
        : { status: blocked.status, revocationId: blocked.revocationId },
  };
}

/** Explains why a grant is not live. A rule that struck it later takes precedence over the recorded end reason. */
export function endReasonOf(grant: GrantNode, blocked: Blocked | undefined): string | undefined {
  if (blocked?.aside !== undefined)
    return `its tree is set aside, since the event at position ${blocked.aside} cannot be read`;
  if (!blocked || (blocked.grantId === grant.id && blocked.status === grant.status)) return grant.endReason;
  if (blocked.grantId !== grant.id) return `its ancestor ${blocked.grantId} is ${blocked.status}`;
  if (isHeldByRule(blocked)) {
    const until = blocked.until === undefined ? '' : ` until ${rfc3339(blocked.until)}`;
    return `suspended by ${blocked.revocationId}${until}`;
  }
  return blocked.revocationId === undefined
    ? `its time ended at ${rfc3339(grant.expiresAt)}`
    : `struck by ${blocked.revocationId}`;
}

/** Returns the effective status of a grant: its own, or that of the ancestor that blocks it. */
export function effectiveStatus(state: LogState, chain: readonly GrantNode[], now: number): GrantNode['status'] {
  const leaf = chain[0] as GrantNode;
  if (leaf.status !== 'active' && leaf.status !== 'suspended') return leaf.status;
  const blocked = endedFirst(state, chain, now);
  return blocked ? (blocked.status as GrantNode['status']) : 'active';
}
