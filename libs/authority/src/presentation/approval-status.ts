import type { ApprovalStatus } from '@bailiwick/contracts/queries/query';
import type { Reason } from '@bailiwick/contracts/reason';
import { answeredUntil, questionOf, termsOf } from '../approvals/terms';
import { blockedItself, livenessReason } from '../state/liveness';
import { strikesAsked, toolDeniedBy } from '../revocation/revocation-rules';
import { chainOf, type ApprovalNode, type LogState, type RunNode } from '../state/state';

/** A revocation that reaches a pending request, and the reason. */
export interface RevokedRequest {
  readonly revocationId: string | undefined;
  readonly reason: Reason;
}

/**
 * I6: returns the revocation that strikes a pending request, like a lease: a rule that matches the request if the run
 * is older than the rule; the revocation of the lease that it would raise, be created below, or act under; and, for a
 * call, a rule that denies its tool. Requests are matched when they are read, so that a revocation enumerates nothing.
 */
export function revokedRequest(state: LogState, approval: ApprovalNode, now: number): RevokedRequest | undefined {
  const run = state.runs.get(approval.runId);
  if (!run) return undefined;
  const rule = strikesAsked(state, run, approval.limits);
  if (rule) return byRule(rule.revocationId, `the request is revoked by ${rule.revocationId}`);
  const above = approval.supersedes ?? approval.grantId ?? approval.parentId;
  const chain = above === undefined ? undefined : chainOf(state, above);
  if (!chain) return undefined;
  for (const grant of [...chain].reverse()) {
    const blocked = blockedItself(state, grant, now);
    if (blocked?.status === 'revoked')
      return { revocationId: blocked.revocationId, reason: livenessReason(chain, blocked) };
  }
  const { verb, tool } = approval;
  const denied =
    verb === undefined ? undefined : toolDeniedBy(state, chain, { verb, tool }, now, ({ suspends }) => !suspends);
  return denied && byRule(denied.rule.revocationId, `the tool is revoked by ${denied.rule.revocationId}`);
}

const byRule = (revocationId: string, message: string): RevokedRequest => ({
  revocationId,
  reason: { rule: 'liveness', outcome: 'deny', code: 'REVOKED_BY_RULE', message, actual: { revocationId } },
});

/**
 * Returns the effective status of an approval: a pending one may have been revoked, or have expired, without an event.
 */
export function approvalStatus(state: LogState, approval: ApprovalNode, now: number): ApprovalStatus {
  if (approval.status !== 'pending') return shownStatus(approval);
  if (revokedRequest(state, approval, now)) return 'revoked';
  const terms = termsOf(state, questionOf(state, approval));
  return now >= answeredUntil(terms, approval) ? 'expired' : 'pending';
}

/** Returns the recorded status, as views name it. */
export const shownStatus = ({ status }: ApprovalNode): ApprovalStatus => (status === 'withdrawn' ? 'revoked' : status);

/** Returns the revocation that reaches a run whose first lease is pending. */
export function revokedWhilePending(state: LogState, run: RunNode, now: number): RevokedRequest | undefined {
  if (run.status !== 'pending') return undefined;
  const asked = state.trees
    .get(run.treeId)
    ?.approvals.find(({ runId, kind, status }) => runId === run.id && kind === 'grant' && status === 'pending');
  return asked && revokedRequest(state, asked, now);
}
