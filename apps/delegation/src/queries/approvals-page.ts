import { isSamePerson } from '@bailiwick/authority/approvals/people';
import { isStanding } from '@bailiwick/authority/approvals/standing';
import { answersTo } from '@bailiwick/authority/approvals/terms';
import { approvalStatus } from '@bailiwick/authority/presentation/approval-status';
import { effectiveStatus } from '@bailiwick/authority/state/liveness';
import { chainOf, type ApprovalNode, type LogState } from '@bailiwick/authority/state/state';
import type { Query } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';

/** One page, and the start of the next. A page may be short even if more follow. */
export interface ApprovalsPage {
  readonly approvals: ApprovalNode[];
  readonly next: string | null;
}
type Place = Pick<ApprovalNode, 'turn' | 'position'>;
type Asked = Omit<Extract<Query, { op: 'approvals' }>, 'op' | 'log'>;

/** Returns one page of what is asked for. `answeredBy` leaves out what that actor has no approving answer in. */
export function approvalsPage(
  state: LogState,
  { status, answeredBy, limit = LIMITS.pendingPageMax, after = { turn: 1, position: -1 } }: Asked,
  now: number,
): ApprovalsPage {
  const isTheirs = (approval: ApprovalNode): boolean => answeredBy === undefined || hasApproved(approval, answeredBy);
  if (status === 'approved')
    return pageOf(standingAfter(state, after.position), limit, (each) => isTheirs(each) && isInForce(state, each, now));
  return pageOf(
    state.waiting.after(after.turn, after.position),
    limit,
    (each) => isTheirs(each) && approvalStatus(state, each, now) === 'pending',
  );
}

/** Reports whether an actor is among those whose answers approve, be it one of several that are needed. */
const hasApproved = (approval: ApprovalNode, who: string): boolean =>
  answersTo(approval).some(({ by, verdict }) => verdict === 'approve' && isSamePerson(by, who));

/** The approvals of more than one call, in the order in which they were asked for. */
function* standingAfter({ approvals }: LogState, position: number): Generator<ApprovalNode> {
  for (const each of approvals.values()) if (each.position > position && isStanding(each)) yield each;
}

/** Reports whether a standing approval covers calls, or will again when its lease is resumed. */
function isInForce(state: LogState, { grantId = '', usableUntil = 0 }: ApprovalNode, now: number): boolean {
  const chain = chainOf(state, grantId);
  if (!chain || now >= usableUntil) return false;
  return ['active', 'suspended'].includes(effectiveStatus(state, chain, now));
}

/** Takes a page, alternating between runs while they wait; what is examined for it is bounded. */
function pageOf(
  from: Iterable<ApprovalNode>,
  limit: number,
  isListed: (approval: ApprovalNode) => boolean,
): ApprovalsPage {
  const approvals: ApprovalNode[] = [];
  let seen = 0;
  let last: Place | undefined;
  for (const approval of from) {
    if (last && (approvals.length === limit || seen === LIMITS.pendingSeen))
      return { approvals, next: `${last.turn || 1}.${last.position}` };
    seen += 1;
    last = approval;
    if (isListed(approval)) approvals.push(approval);
  }
  return { approvals, next: null };
}
