import type { DecisionOutcome, Reason } from '@bailiwick/contracts/reason';
import type { Question } from '../../approvals/approval-rules';
import { coversCall, isStanding, type AskedFor } from '../../approvals/standing';
import { isStillEnough, termsOf } from '../../approvals/terms';
import { listed } from '../../presentation/text';
import type { ApprovalNode, LogState } from '../../state/state';
import { strictest, type Judgement } from './judge';
import { notShown } from './objections';
import { refusedBefore, refusedReason } from './refused-before';

/** A call as far as a person's answer depends on it. */
export interface CallAsked extends AskedFor {
  readonly binding: string;
  /** @see callAsked; a digest, which few calls need */
  readonly asks: () => string;
  readonly approvalId: string | undefined;
  /** its arguments are stated, or stated to be none */
  readonly isExact: boolean;
}

/** Combines the judgment with a person's answer to this exact call. */
export function withPerson(
  state: LogState,
  judged: Judgement,
  call: CallAsked,
  now: number,
): { outcome: DecisionOutcome; reasons: Reason[]; approved: boolean } {
  const { approvalId, isExact } = call;
  const reasons = [...judged.reasons];
  const approval = approvalId === undefined ? undefined : useOf(state, approvalId, call, judged.objections, now);
  if (approval) reasons.push(approval);
  const isAnyRefused = state.coolDowns.size > 0 || state.refusals.size > 0;
  const refused = isAnyRefused
    ? refusedBefore(state, call.asks(), now, state.approvals.get(approvalId ?? ''))
    : undefined;
  if (refused) reasons.push(refusedReason(refused));
  const approved = approval?.outcome === 'permit' && judged.outcome !== 'deny' && !refused;
  const outcome = approved ? 'permit' : strictest(reasons);
  if (outcome !== 'step-up' || isExact) return { outcome, reasons, approved };
  return { outcome: 'deny', reasons: [...reasons, ARGUMENTS_NOT_STATED], approved };
}

/** I8: an approval covers one exact call, and arguments that are not stated could be anything. */
const ARGUMENTS_NOT_STATED: Reason = {
  rule: 'approval',
  outcome: 'deny',
  code: 'ARGUMENTS_NOT_STATED',
  message:
    'a person must approve this exact call, and its arguments are not stated: send action.args ({} if it has none) or action.argsDigest',
};

/** I8: an approval covers its exact action and the objections that its card showed, once, before it expires. */
function useOf(state: LogState, id: string, call: CallAsked, objections: readonly string[], now: number): Reason {
  const approval = state.approvals.get(id);
  const no = (code: 'APPROVAL_MISMATCH' | 'APPROVAL_NOT_USABLE', message: string): Reason => ({
    rule: 'approval',
    outcome: 'deny',
    code,
    message,
  });
  if (!approval || approval.kind !== 'action')
    return no('APPROVAL_NOT_USABLE', `approval ${id} of an action not found`);
  if (isStanding(approval) ? !(call.isExact && coversCall(approval, call)) : approval.binding !== call.binding) {
    return no(
      'APPROVAL_MISMATCH',
      `approval ${id} was given for another call: verb, resource, arguments, cost and run must be the same`,
    );
  }
  if (approval.status === 'pending') {
    return { rule: 'approval', outcome: 'step-up', message: `approval ${id} has not been answered yet` };
  }
  if (approval.status !== 'approved') return no('APPROVAL_NOT_USABLE', `approval ${id} is ${approval.status}`);
  if (now >= (approval.usableUntil ?? 0)) return no('APPROVAL_NOT_USABLE', `approval ${id} was not used in time`);
  if (!isStillEnough(state, termsOf(state, questionAbout(state, call)), approval))
    return {
      rule: 'approval',
      outcome: 'step-up',
      code: 'APPROVERS_NOT_ENOUGH',
      message: `approval ${id} is not what the policy in force requires; it is asked for again`,
    };
  const added = notShown(approval.objections, objections);
  if (added.length > 0) {
    const what = listed([...new Set(added.map((each) => /:(\w+)/.exec(each)?.[1] ?? 'another objection'))]);
    return {
      rule: 'approval',
      outcome: 'step-up',
      code: 'OBJECTIONS_ADDED',
      message: `approval ${id} does not cover objections that its card did not show: ${what}; a person is asked again`,
    };
  }
  return { rule: 'approval', outcome: 'permit', code: 'APPROVED', message: approvedText(approval) };
}

/** Names all people that approved, and an approval of more than one call. */
function approvedText({ id, by = 'a person', answers = [], scope }: ApprovalNode): string {
  const people = answers.filter(({ verdict }) => verdict === 'approve').map((each) => each.by);
  return `approved by ${people.length > 0 ? people.join(' and ') : by}${scope === undefined ? '' : ` for the ${scope} (${id})`}`;
}

/** Returns a call as rules about approvals see it. */
const questionAbout = (state: LogState, { runId, facts, charge }: AskedFor): Question => ({
  kind: 'action',
  agentClass: state.runs.get(runId)?.agent.class ?? '',
  risk: facts.risk,
  verb: facts.verb,
  effects: facts.effects ?? [facts.effect],
  cost: charge.cost,
});
