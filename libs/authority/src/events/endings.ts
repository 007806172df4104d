import type { EventOf } from '@bailiwick/contracts/events/event';
import type { GrantStatus } from '@bailiwick/contracts/grants/grant';
import { giveBack } from '../state/reserves';
import { chainOf, type GrantNode, type LogState, type RunNode } from '../state/state';
import { ends, isGoing } from './ended';
import { follows, grantOf, runOf, type Fold } from './follows';

/** Reports whether a grant may still act, now or once it is resumed. */
export const isOpen = (status: GrantStatus): boolean => status === 'active' || status === 'suspended';

export const grantSuperseded: Fold<'GrantSuperseded'> = (state, event, at) => {
  const grant = grantOf(state, event);
  follows(state.grants.get(event.data.by)?.supersedes === grant.id, 'the grant it was raised to', event);
  grant.status = 'superseded';
  grant.supersededBy = event.data.by;
  grant.endedAt = at;
  grant.endReason = `superseded by ${event.data.by}`;
};

export const grantRevoked: Fold<'GrantRevoked'> = (state, event, at) => {
  const grant = grantOf(state, event);
  grant.revocationId = event.data.revocationId;
  endGrant(state, event, 'revoked', at);
};

export const grantExpired: Fold<'GrantExpired'> = (state, event, at) => endGrant(state, event, 'expired', at);
export const grantExhausted: Fold<'GrantExhausted'> = (state, event, at) => endGrant(state, event, 'exhausted', at);

export const runCompleted: Fold<'RunCompleted'> = (state, event, at) => {
  const run = runOf(state, event);
  const grant = run.grantId === undefined ? undefined : state.grants.get(run.grantId);
  if (grant && isOpen(grant.status))
    close(state, grant, 'completed', at, event.data.reason.says ?? event.data.reason.code);
  endRun(state, run, 'completed', at, event.data.reason.says ?? event.data.reason.code);
};

function endGrant(
  state: LogState,
  event: EventOf<'GrantRevoked' | 'GrantExpired' | 'GrantExhausted'>,
  status: GrantStatus,
  at: number,
): void {
  const says = event.data.reason.says ?? event.data.reason.code;
  const grant = grantOf(state, event);
  follows(grant.status !== 'superseded', 'a grant that was not superseded', event);
  close(state, grant, status, at, says);
  endRun(state, runOf(state, event), status as 'revoked' | 'expired' | 'exhausted', at, says);
}

/**
 * Closes a grant. It stays as a record until its tree is forgotten, but can no longer act (I2). The
 * unused part of its reserve returns to its ancestors; the part of its calls in flight stays until they settle (I3).
 */
function close(state: LogState, grant: GrantNode, status: GrantStatus, at: number, reason: string): void {
  if (grant.usage.aside !== undefined) giveBack(chainOf(state, grant.id) ?? [grant]);
  grant.status = status;
  grant.endedAt = at;
  grant.endReason = reason;
  state.heldByRun.delete(grant.id);
}

/** Ends a run and records when and why. */
export function endRun(state: LogState, run: RunNode, status: RunNode['status'], at: number, reason: string): void {
  if (isGoing(run.status)) {
    ends(state, run.treeId);
    state.openChildren.ended(run);
  }
  if (state.denialStreaks.size > 0) state.denialStreaks.delete(run.id);
  run.status = status;
  run.endedAt = at;
  run.endReason = reason;
}
