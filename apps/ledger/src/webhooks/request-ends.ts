import { Injectable } from '@nestjs/common';
import { revokedRequest } from '@bailiwick/authority/presentation/approval-status';
import { blockedItself } from '@bailiwick/authority/state/liveness';
import { chainOf, type ApprovalNode, type LogState } from '@bailiwick/authority/state/state';
import { endedWithLease } from '@bailiwick/contracts/http/access-requests';
import { systemClock } from '@bailiwick/core/clock';
import { folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { NotYet } from '../rpc/errors';
import type { EndedRequest } from './callback-message';

/** Finds the requests for access that have ended although no event names them: a revocation enumerates nothing (I6). */
@Injectable()
export class RequestEnds {
  constructor(private readonly ledgers: LogLedgers) {}

  /**
   * Returns which of several requests have ended with the lease that they act under, after the event at a position or a
   * later one. A request that people have answered, or whose time was over, has its own event.
   * @throws NotYet if this process has not read the log up to the position
   */
  async after(log: string, position: number, approvals: readonly string[]): Promise<EndedRequest[]> {
    const ledger = await this.ledgers.following(log);
    if (!ledger || !(await ledger.reached(position))) throw new NotYet(`${log} is not read up to ${position} yet`);
    return endedIn(folded(ledger), approvals, systemClock.now());
  }
}

/** Pure. @param now ms */
export function endedIn(state: LogState, approvals: readonly string[], now: number): EndedRequest[] {
  return approvals.flatMap((approvalId) => {
    const approval = state.approvals.get(approvalId);
    const status = approval?.status === 'pending' ? endOf(state, approval, now) : undefined;
    return status === undefined ? [] : [{ approvalId, status }];
  });
}

function endOf(state: LogState, approval: ApprovalNode, now: number): EndedRequest['status'] | undefined {
  if (revokedRequest(state, approval, now)) return endedWithLease('revoked');
  for (const grant of chainOf(state, approval.grantId ?? '') ?? []) {
    const blocked = blockedItself(state, grant, now);
    const ended = blocked && endedWithLease(blocked.status);
    if (ended) return ended;
  }
  return undefined;
}
