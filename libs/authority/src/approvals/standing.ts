import { RISKS } from '@bailiwick/contracts/grants/grant';
import type { ActionFacts } from '../dimensions/dimension';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { ApprovalNode, LogState } from '../state/state';
import { costsAtMost } from './approval-rules';

/*
 * A standing approval has the scope `target` or `run`. It covers calls of its run with the same verb, on the same
 * resource or on any of the same type, until the lease ends or a person withdraws it. Each use names it. It covers no
 * objection that its card did not show, and no call that counts as more than the one on the card.
 */

export const isStanding = ({ status, scope }: Pick<ApprovalNode, 'status' | 'scope'>): boolean =>
  status === 'approved' && scope !== undefined;

/** A call that is about to be decided. */
export interface AskedFor {
  readonly runId: string;
  readonly facts: ActionFacts;
  readonly charge: Pick<Consumed, 'cost' | 'units'>;
}

/** Reports whether a standing approval covers a call, apart from its objections. */
export function coversCall(approval: ApprovalNode, { runId, facts, charge }: AskedFor): boolean {
  const { call, resource, scope } = approval;
  if (!isStanding(approval) || !call || !resource || approval.runId !== runId) return false;
  return (
    approval.verb === facts.verb &&
    approval.tool === facts.tool &&
    call.stated === facts.stated &&
    RISKS.indexOf(facts.risk) <= RISKS.indexOf(approval.risk) &&
    (facts.effects ?? [facts.effect]).every((each) => call.effects.includes(each)) &&
    resource.type === facts.resource.type &&
    (scope === 'run' || resource.id === facts.resource.id) &&
    costsAtMost(charge.cost, call.cost) &&
    costsAtMost(charge.units ?? {}, call.units ?? {})
  );
}

/** Returns the newest standing approval of the run that covers a call, if there is one. */
export function standingFor(state: LogState, treeId: string, asked: AskedFor, now: number): ApprovalNode | undefined {
  return state.trees
    .get(treeId)
    ?.approvals.findLast((each) => coversCall(each, asked) && now < (each.usableUntil ?? 0));
}
