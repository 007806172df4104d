import type { ApprovalStatus } from '@bailiwick/contracts/query';
import type { Reason } from '@bailiwick/contracts/reason';
import { blockedItself, livenessReason } from '../state/liveness';
import { strikesAsked, toolDeniedBy } from '../revocation/revocation-rules';
import { chainOf, type ApprovalNode, type LogState, type RunNode } from '../state/state';

/** The revocation that reaches what a person is asked, and why. */
export interface RevokedRequest {
  readonly revocationId: string | undefined;
  readonly reason: Reason;
}

/**
 * I6: what waits for a person is struck like a lease. By a rule that matches what was asked for, where the run is older
 * than the rule; by whatever revoked the lease that it would raise, be made below, or act under; and a call by a rule
 * that denies its tool. Matched when it is asked, so that a revocation enumerates nothing.
 */
export function revokedRequest(state: LogState, approval: ApprovalNode, now: number): RevokedRequest | undefined {
  const run = state.runs.get(approval.runId);
  if (!run) return undefined;
  const rule = strikesAsked(state, run, approval.limits);
  if (rule) return byRule(rule.revocationId, `what was asked for is revoked by ${rule.revocationId}`);
  const above = approval.supersedes ?? approval.grantId ?? approval.parentId;
  const chain = above === undefined ? undefined : chainOf(state, above);
  if (!chain) return undefined;
  for (const grant of [...chain].reverse()) {
    const blocked = blockedItself(state, grant, now);
    if (blocked?.status === 'revoked')
      return { revocationId: blocked.revocationId, reason: livenessReason(chain, blocked) };
  }
  const { verb, tool } = approval;
  const denied = verb === undefined ? undefined : toolDeniedBy(state, chain, { verb, tool });
  return denied && byRule(denied.rule.revocationId, `the tool is revoked by ${denied.rule.revocationId}`);
}

const byRule = (revocationId: string, message: string): RevokedRequest => ({
  revocationId,
  reason: { rule: 'liveness', outcome: 'deny', code: 'REVOKED_BY_RULE', message, actual: { revocationId } },
});

/** The status of an approval in effect: one that waits may have been revoked, or have run out, without an event. */
export function approvalStatus(state: LogState, approval: ApprovalNode, now: number): ApprovalStatus {
  if (approval.status !== 'pending') return approval.status;
  if (revokedRequest(state, approval, now)) return 'revoked';
  return now >= approval.expiresAt ? 'expired' : 'pending';
}

/** The revocation that reaches a run which waits for its first lease. */
export function revokedWhilePending(state: LogState, run: RunNode, now: number): RevokedRequest | undefined {
  if (run.status !== 'pending') return undefined;
  const asked = state.trees
    .get(run.treeId)
    ?.approvals.find(({ runId, kind, status }) => runId === run.id && kind === 'grant' && status === 'pending');
  return asked && revokedRequest(state, asked, now);
}
