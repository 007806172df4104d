import type { ApprovalScope } from '@bailiwick/contracts/approvals/approval-scope';
import { APPROVAL_SCOPES } from '@bailiwick/contracts/approvals/approval-scope';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Approvers } from '@bailiwick/contracts/policy/approval-rule';
import { LIMITS } from '@bailiwick/core/limits';
import type { ApprovalNode, GivenAnswer, LogState } from '../state/state';
import { isAmong, type ApprovalRules, type Approver, type CompiledApprovalRule, type Question } from './approval-rules';
import { isSamePerson } from './people';
import { approvedLeaseOf } from './requesters';

/*
 * The terms of a request are those of the policy in force when they are read: a stricter policy also applies to the
 * requests that are pending.
 */

/** How a request may be answered. */
export type Terms = Omit<CompiledApprovalRule, 'name' | 'selects'> & {
  /** the rule of the policy; undefined: the policy in force has none about approvals */
  readonly name: string | undefined;
};

/** Without rules about approvals, each approver may approve alone. */
const WITHOUT_RULES: Terms = {
  name: undefined,
  by: undefined,
  needed: 1,
  denials: 1,
  fourEyes: false,
  scopes: APPROVAL_SCOPES,
  expiresMs: undefined,
  coolDownMs: undefined,
  breakGlass: undefined,
};

/** Returns the terms of a request; undefined if the policy in force lets no person approve it. */
export const termsOf = ({ policies }: LogState, question: Question): Terms | undefined =>
  termsUnder(policies.current?.approvals, question);

/** Returns the terms of a request by the rules of a policy; undefined if they let no person approve it. */
export const termsUnder = (rules: ApprovalRules | undefined, question: Question): Terms | undefined =>
  rules === undefined ? WITHOUT_RULES : rules.of(question);

/** Returns a pending request, or one with a standing approval, as rules about approvals see it. */
export function questionOf(state: LogState, approval: ApprovalNode): Question {
  const { kind, runId, risk, verb, call, limits } = approval;
  return {
    kind,
    agentClass: state.runs.get(runId)?.agent.class ?? '',
    risk,
    verb,
    effects: call?.effects ?? [],
    cost: (kind === 'action' ? call?.cost : limits?.budget.cost) ?? {},
  };
}

/** Returns a request for a lease, or for more than one has, as rules about approvals see it. */
export const questionForLease = (
  kind: 'grant' | 'escalation',
  agentClass: string,
  { risk, budget }: Pick<Limits, 'risk' | 'budget'>,
): Question => ({ kind, agentClass, risk: risk.ceiling, verb: undefined, effects: [], cost: budget.cost });

/** Returns how long a new request waits for its answers, in ms. */
export const waitMs = (state: LogState, question: Question): number =>
  Math.min(LIMITS.approvalMs, termsOf(state, question)?.expiresMs ?? LIMITS.approvalMs);

/** Returns the time until which a pending request can be answered: its own, or an earlier one of the policy in force. */
export const answeredUntil = (terms: Terms | undefined, { expiresAt, requestedAt }: ApprovalNode): number =>
  Math.min(expiresAt, requestedAt + (terms?.expiresMs ?? LIMITS.approvalMs));

/** Returns the different people among answers that gave a verdict and may approve by the terms. */
export function peopleWith(
  answers: readonly GivenAnswer[],
  verdict: GivenAnswer['verdict'],
  by: Approvers | undefined,
): GivenAnswer[] {
  const people: GivenAnswer[] = [];
  for (const each of answers) {
    if (latestOf(answers, each.by) !== each || each.verdict !== verdict || !isAmong(approverOf(each), by)) continue;
    people.push(each);
  }
  return people;
}

/** Returns the last answer of a person: they may change their mind until the request is decided. */
export const latestOf = (answers: readonly GivenAnswer[], by: string): GivenAnswer | undefined =>
  answers.findLast((each) => isSamePerson(each.by, by));

const approverOf = ({ by, role, groups }: GivenAnswer): Approver => ({ id: by, role, groups });

/** Reports whether what people gave is enough by terms that may be stricter than those by which they gave it. */
export function isStillEnough(state: LogState, terms: Terms | undefined, approval: ApprovalNode): boolean {
  if (terms === undefined || !terms.scopes.includes(approval.scope ?? 'call')) return false;
  if (terms.name === undefined) return true;
  const answers = answersTo(approval);
  if (approval.breakGlass && terms.breakGlass !== undefined)
    return peopleWith(answers, 'approve', terms.breakGlass).length > 0;
  return approversAmong(state, approval, answers, terms).length >= terms.needed;
}

/** Returns the different people among answers that approved, and may by the terms. */
export const approversAmong = (
  state: LogState,
  { runId }: ApprovalNode,
  answers: readonly GivenAnswer[],
  { by, fourEyes }: Terms,
): GivenAnswer[] =>
  peopleWith(answers, 'approve', by).filter((each) => !fourEyes || !approvedLeaseOf(state, runId, each.by));

/** Returns all answers to a request, in order. */
export function answersTo({ answers, status, by, decidedAt, decidedPosition }: ApprovalNode): readonly GivenAnswer[] {
  if (answers !== undefined) return answers;
  if (by === undefined || decidedAt === undefined || decidedPosition === undefined) return [];
  return [{ by, verdict: status === 'denied' ? 'deny' : 'approve', at: decidedAt, position: decidedPosition }];
}

/** Returns the narrower of two scopes. */
export function narrowerScope(a: ApprovalScope | undefined, b: ApprovalScope | undefined): ApprovalScope {
  const least = Math.min(APPROVAL_SCOPES.indexOf(a ?? 'call'), APPROVAL_SCOPES.indexOf(b ?? 'call'));
  return APPROVAL_SCOPES[least] as ApprovalScope;
}

/** Describes who may approve, for refusals and cards. */
export function whoMay({ by, needed }: Pick<Terms, 'by' | 'needed'>): string {
  const who = by === undefined ? 'an approver' : listed(by);
  return needed === 1 ? who : `${needed} different people: ${who}`;
}

/** The terms of a pending request, for its card. */
export interface ShownTerms {
  readonly given: number;
  readonly needed: number;
  /** undefined: the policy has no rules about approvals */
  readonly approvers: string | undefined;
}

export function shownTerms(state: LogState, approval: ApprovalNode): ShownTerms {
  const terms = termsOf(state, questionOf(state, approval));
  if (terms === undefined) return { given: 0, needed: 1, approvers: 'no person, by the policy in force' };
  const given = approversAmong(state, approval, answersTo(approval), terms).length;
  return { given, needed: terms.needed, approvers: terms.name === undefined ? undefined : whoMay(terms) };
}

const SHOWN = 8;
const some = (names: readonly string[]): string =>
  names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`;

function listed({ people, groups, roles }: Approvers): string {
  return [
    ...(people ? [some(people)] : []),
    ...(groups ? [`a member of ${some(groups)}`] : []),
    ...(roles ? [`someone with the role ${some(roles)}`] : []),
  ].join(', or ');
}
