import type { ApprovalScope } from '@bailiwick/contracts/approvals/approval-scope';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { Refusal } from '@bailiwick/contracts/reason';
import { err, ok, type Result } from '@bailiwick/core/result';
import type { ApprovalNode, GivenAnswer, LogState } from '../state/state';
import { isAmong, type Approver } from './approval-rules';
import { approvedLeaseOf, askedForThemselves } from './requesters';
import { approversAmong, latestOf, narrowerScope, peopleWith, whoMay, type Terms } from './terms';

type Command = CommandOf<'decideApproval'>;

/** An answer that its person may give. */
export interface Counted {
  /** the different people with this verdict, this one included */
  readonly given: number;
  /** the people that the policy in force requires for this verdict */
  readonly needed: number;
  /** kind `action`, verdict `approve`: what the approval covers, which no earlier person limited further */
  readonly scope: ApprovalScope;
}

/**
 * Checks that a person may give this answer by the policy in force, and counts it. Approving requires the person to be
 * eligible and another one than the requester; denying takes authority away, and each approver may do it.
 * @param terms undefined: the policy lets no person approve
 */
export function countAnswer(
  state: LogState,
  approval: ApprovalNode,
  command: Command,
  terms: Terms | undefined,
  now: number,
): Result<Counted, Refusal> {
  const malformed = faultIn(command, approval);
  if (malformed !== undefined) return no('BAD_REQUEST', malformed);
  const { verdict, actor } = command;
  const answers = [...(approval.answers ?? []), answerOf(command, now, state.next)];
  if (verdict === 'deny') return countDenial(answers, terms, actor);

  const own = askedForThemselves(state, approval, actor.id, command.actorRef);
  if (own) return no('FORBIDDEN', own.message);
  if (terms === undefined)
    return no(
      'FORBIDDEN',
      `no rule about approvals of policy version ${state.policies.version} selects this request, so no person can approve it; deny it`,
    );
  const refused = command.breakGlass ? notInEmergency(command, terms) : notEligible(state, approval, actor, terms);
  if (refused !== undefined) return no('FORBIDDEN', refused);
  const scope = command.breakGlass ? (command.scope ?? 'call') : scopeLeft(approval, command.scope);
  if (!terms.scopes.includes(scope))
    return no('FORBIDDEN', `${ruleText(terms)} permits approvals of ${terms.scopes.join(', ')}, and not of ${scope}`);
  if (scope !== 'call' && approval.risk === 'irreversible')
    return no('FORBIDDEN', 'what is irreversible is approved call by call; leave scope out');
  const given = approversAmong(state, approval, answers, terms).length;
  if (command.breakGlass) return ok({ given: Math.max(given, 1), needed: 1, scope });
  if (latestOf(approval.answers ?? [], actor.id)?.verdict === 'approve' && given < terms.needed)
    return no(
      'ALREADY_DECIDED',
      `${actor.id} has approved this; ${terms.needed - given} more people must: ${whoMay(terms)}`,
    );
  return ok({ given, needed: terms.needed, scope });
}

/** Returns the answer of a command as the fold will keep it. */
const answerOf = (
  { actor, verdict }: Pick<Command, 'actor' | 'verdict'>,
  at: number,
  position: number,
): GivenAnswer => ({
  by: actor.id,
  verdict,
  at,
  position,
  ...(actor.role === undefined ? {} : { role: actor.role }),
  ...(actor.groups === undefined ? {} : { groups: actor.groups }),
});

const no = (code: Refusal['code'], detail: string): Result<never, Refusal> => err({ code, detail });

function faultIn({ verdict, grant, scope, breakGlass, payload }: Command, { kind }: ApprovalNode): string | undefined {
  if (grant !== undefined && (verdict === 'deny' || kind === 'action'))
    return 'grant: only an approval of a lease can give less than was asked for; leave it out';
  if (scope !== undefined && (verdict === 'deny' || kind !== 'action'))
    return 'scope: only an approval of a call has one; leave it out';
  if (!breakGlass) return undefined;
  if (verdict === 'deny') return 'breakGlass: it only approves; leave it out';
  const note = payload?.value.note;
  return typeof note === 'string' && note.trim() !== '' ? undefined : 'breakGlass: state the reason in note';
}

/** One denial of any approver denies, unless the policy requires several; then those count who could approve. */
function countDenial(
  answers: readonly GivenAnswer[],
  terms: Terms | undefined,
  actor: Approver,
): Result<Counted, Refusal> {
  const needed = terms?.denials ?? 1;
  if (terms === undefined || needed === 1) return ok({ given: 1, needed: 1, scope: 'call' });
  if (!isAmong(actor, terms.by))
    return no('FORBIDDEN', `${actor.id} may not answer this: ${ruleText(terms)} requires ${whoMay(terms)}`);
  return ok({ given: peopleWith(answers, 'deny', terms.by).length, needed, scope: 'call' });
}

function notInEmergency({ actor }: Command, terms: Terms): string | undefined {
  if (terms.breakGlass === undefined) return `${ruleText(terms)} lets no person approve this alone in an emergency`;
  if (isAmong(actor, terms.breakGlass)) return undefined;
  const who = whoMay({ ...terms, by: terms.breakGlass, needed: 1 });
  return `${actor.id} may not approve this alone in an emergency: ${ruleText(terms)} lets ${who}`;
}

function notEligible(state: LogState, approval: ApprovalNode, actor: Approver, terms: Terms): string | undefined {
  if (!isAmong(actor, terms.by))
    return `${actor.id} may not approve this: ${ruleText(terms)} requires ${whoMay(terms)}`;
  const lease = terms.fourEyes ? approvedLeaseOf(state, approval.runId, actor.id) : undefined;
  return (
    lease && `${actor.id} approved the lease of run ${lease.id}, and ${ruleText(terms)} requires another person here`
  );
}

const ruleText = ({ name }: Terms): string =>
  name === undefined ? 'this installation' : `the rule ${name} of the policy`;

/** Returns what an approval covers: what its person states, and no more than the people before. */
function scopeLeft(approval: ApprovalNode, scope: ApprovalScope | undefined): ApprovalScope {
  const isFirst = !(approval.answers ?? []).some(({ verdict }) => verdict === 'approve');
  return isFirst ? (scope ?? 'call') : narrowerScope(approval.scope, scope);
}
