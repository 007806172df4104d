import type { Event } from '@bailiwick/contracts/events/event';
import { parseTime } from '@bailiwick/core/clock';
import { setAside } from '../state/reserves';
import { chainOf, current, type GrantNode, type LogState, type RunNode } from '../state/state';
import { usageFor } from '../state/scopes';
import { useApproval } from './approval-events';
import { dropScopes } from './dropped-scopes';
import { isGoing, join } from './ended';
import { isOpen } from './endings';
import { CorruptLog, follows, grantOf, must, runOf, type Fold } from './follows';

export const grantIssued: Fold<'GrantIssued'> = (state, event, at) => {
  const { data } = event;
  const run = runOf(state, event);
  const old =
    data.supersedes === undefined ? undefined : must(state.grants.get(data.supersedes), 'superseded grant', event);
  const grant: GrantNode = {
    id: must(event.grantId, 'grantId', event),
    treeId: run.treeId,
    runId: run.id,
    parentId: data.parentId === undefined ? undefined : must(state.grants.get(data.parentId), 'parent grant', event).id,
    depth: data.depth,
    limits: state.shared.limits(data.limits),
    notBefore: must(parseTime(data.limits.time.notBefore), 'notBefore', event),
    expiresAt: must(parseTime(data.limits.time.expiresAt), 'expiresAt', event),
    issuedAt: at,
    position: event.position,
    supersedes: data.supersedes,
    usage: usageFor(data.limits, event.position, old),
    status: 'active',
    supersededBy: undefined,
    children: old?.children ?? 0,
    inFlight: old?.inFlight ?? 0,
    endedAt: undefined,
    endReason: undefined,
    revocationId: undefined,
    checkedEpoch: 0,
    struckBy: undefined,
  };
  if (state.grants.has(grant.id)) throw new CorruptLog(`grant ${grant.id} is issued twice`);
  const parent = data.parentId === undefined ? undefined : must(current(state, data.parentId), 'parent grant', event);
  follows(parent?.runId === run.parentRunId, 'the grant of the run above', event);
  follows(run.grantId === data.supersedes && (!old || isOpen(old.status)), 'the grant that its run has', event);
  follows(isGoing(run.status), 'a run that has not ended', event);
  // a child that waited for an approval was counted when it was requested
  if (!old && parent && data.approvalId === undefined) parent.children += 1;
  if (old) dropScopes(state, old, data.limits);
  if (parent && (data.limits.budget.reserve || old?.usage.aside))
    setAside(grant, must(chainOf(state, parent.id), 'chain of the parent', event), old);
  addGrant(state, grant);
  const narrowed = old && state.narrowed.get(old.id);
  if (narrowed) state.narrowed.set(grant.id, narrowed);
  if (data.beyond !== undefined) state.approvedBeyond.set(grant.id, data.beyond);
  join(state.trees.get(grant.treeId), 'grants', grant);
  run.grantId = grant.id;
  run.status = 'active';
  run.approvedBy = data.approvedBy ?? run.approvedBy;
  if (run.approvers?.length === 1 && run.approvers[0] === run.approvedBy) run.approvers = undefined;
  useApproval(state, data.approvalId, event);
};

/** Adds an issued grant to the state and its indexes. Also used to read a snapshot. */
export function addGrant(state: LogState, grant: GrantNode): void {
  state.grants.set(grant.id, grant);
  state.order.push(grant);
  if (isOpen(grant.status)) state.deadlines.add({ at: grant.expiresAt, kind: 'grant', id: grant.id });
}

export const grantSuspended: Fold<'GrantSuspended'> = (state, event) => {
  const grant = grantOf(state, event);
  // a suspension by a run may be replaced by one that the run cannot undo
  const isReplaced = grant.status === 'suspended' && state.heldByRun.has(grant.id);
  follows(grant.status === 'active' || isReplaced, 'a grant that is active', event);
  const run = goingRunOf(state, event);
  if (event.actor.kind === 'run' && !isByRule(event.data.reason.code)) state.heldByRun.set(grant.id, event.actor.id);
  else state.heldByRun.delete(grant.id);
  grant.status = 'suspended';
  grant.endReason = event.data.reason.says ?? event.data.reason.code;
  run.status = 'suspended';
};

/** Reports whether a suspension follows from a rule, not from a decision of the run that reported something. */
const isByRule = (code: string): boolean => code === 'OVERRUN' || code === 'DRIFT' || code === 'POLICY_RULE';

/**
 * Resets the drift and the denials of a run that a person has resumed: they have reviewed it, so earlier ones no longer
 * count. A run that resumes what it suspended has reviewed nothing.
 */
export const grantResumed: Fold<'GrantResumed'> = (state, event) => {
  const grant = grantOf(state, event);
  follows(grant.status === 'suspended', 'a grant that is suspended', event);
  const run = goingRunOf(state, event);
  grant.status = 'active';
  grant.endReason = undefined;
  run.status = 'active';
  state.heldByRun.delete(grant.id);
  if (event.actor.kind === 'run') return;
  run.drift = 0;
  state.denialStreaks.delete(run.id);
};

function goingRunOf(state: LogState, event: Event): RunNode {
  const run = runOf(state, event);
  follows(isGoing(run.status), 'a run that has not ended', event);
  return run;
}
