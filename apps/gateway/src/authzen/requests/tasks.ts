import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { endedWithLease, type TASK_STATUSES, type TaskAnswer } from '@bailiwick/contracts/http/access-requests';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';

export type TaskStatus = (typeof TASK_STATUSES)[number];

/**
 * Maps the status of an approval. A used or withdrawn one was approved, and a task does not leave its last status: what it
 * still permits is for the next evaluation to decide. The end of what is pending by a revocation or its requester is a
 * cancellation.
 */
export function statusOf({ status, decidedBy }: Pick<ApprovalView, 'status' | 'decidedBy'>): TaskStatus {
  switch (status) {
    case 'pending':
    case 'approved':
    case 'denied':
    case 'expired':
      return status;
    case 'used':
      return 'approved';
    case 'revoked':
      return decidedBy === undefined ? 'cancelled' : 'approved';
  }
}

/**
 * Shows an approval of a call as a task. It names no people and no policy. What waits ends with its lease, as the
 * notification of it states: an answer would have no effect.
 * @param lease the lease that it acts under, until whose end an approval of more than one call lasts
 */
export function taskOf(
  approval: ApprovalView,
  endpoint: string,
  lease: Pick<GrantView, 'status'> & {
    readonly limits: { readonly time: Pick<GrantView['limits']['time'], 'expiresAt'> };
  },
): TaskAnswer {
  const { id, needed = 1, given = 0, expiresAt } = approval;
  const own = statusOf(approval);
  const status = own === 'pending' ? (endedWithLease(lease.status) ?? own) : own;
  const task = {
    id,
    status,
    status_endpoint: `${endpoint}/${id}`,
    ...(status === 'pending' ? { expires_at: expiresAt, links: { cancel: `${endpoint}/${id}` } } : {}),
    ...(status === 'pending' && needed > 1
      ? { progress: { current_step: Math.min(given + 1, needed), total_steps: needed } }
      : {}),
  };
  return status === 'approved' ? { task, result: resultOf(approval, lease.limits.time.expiresAt) } : { task };
}

function resultOf({ id, decidedAt, expiresAt, scope = 'call' }: ApprovalView, leaseEnds: string) {
  const at = Date.parse(decidedAt ?? expiresAt);
  const lease = Date.parse(leaseEnds);
  const until = scope === 'call' ? Math.min(at + LIMITS.approvedUseMs, lease) : lease;
  const approval = {
    id,
    ...(decidedAt === undefined ? {} : { approved_at: decidedAt }),
    approved_until: rfc3339(until),
  };
  return { mode: 'reevaluate' as const, approval };
}
