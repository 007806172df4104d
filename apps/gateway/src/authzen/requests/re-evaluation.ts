import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import { idOf } from '@bailiwick/contracts/primitives';
import type { Reason } from '@bailiwick/contracts/reason';
import { Refused } from '../../http/problems/problem';

type Json = Record<string, unknown>;
const approvalId = idOf('approval');

/**
 * Reads the approval that an evaluation states: `approvalId`, or `approval` as a task returned it. A reference that cannot
 * be one of ours is ignored: the call is decided as not approved.
 * @throws Refused BAD_REQUEST if both are stated and differ
 */
export function approvalStated(context: Json): { approvalId?: unknown } {
  const { approval } = context;
  const id = approval !== null && typeof approval === 'object' && 'id' in approval ? approval.id : undefined;
  const known = approvalId.safeParse(id).success ? id : undefined;
  if (!Object.hasOwn(context, 'approvalId')) return known === undefined ? {} : { approvalId: known };
  if (id !== undefined && id !== context.approvalId)
    throw new Refused('BAD_REQUEST', 'context.approval.id and context.approvalId differ');
  return { approvalId: context.approvalId };
}

/** Reasons of denials that are about the approval, with the codes of the profile. */
const REASONS: Readonly<Record<string, string>> = {
  APPROVAL_MISMATCH: 'out_of_scope',
  OBJECTIONS_ADDED: 'out_of_scope',
  APPROVAL_NOT_USABLE: 'approval_expired',
};

/**
 * States what the enforcement point does after a denial although it stated an approval. Only with a new request of
 * access may it ask again.
 */
export function afterDenial({ reasons }: Pick<ActionAnswer, 'reasons'>, isRequestable: boolean): Json {
  const codes = reasons.flatMap(codesIn);
  const found = Object.keys(REASONS).find((code) => codes.includes(code));
  return {
    reason: found === undefined ? (isRequestable ? 'out_of_scope' : 'policy_denied') : REASONS[found],
    next_action: isRequestable ? 'request' : 'none',
  };
}

const codesIn = ({ code, reasons = [] }: Reason): string[] => [
  ...(code === undefined ? [] : [code]),
  ...reasons.flatMap(codesIn),
];
