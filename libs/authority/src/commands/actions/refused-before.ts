import type { Limits } from '@bailiwick/contracts/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { ApprovalNode, LogState, RunNode } from '../../state/state';

/*
 * What a person has refused is not asked about again at once. What is the same is judged by what cannot be stated
 * otherwise: neither by who asks within the tree, nor by what a caller states of cost, effect, tool or attributes.
 */

/** The same call, whichever run of the tree asks for it. */
export function callAsked(
  treeId: string,
  verb: string,
  resource: { readonly type: string; readonly id: string },
  argsDigest: string | undefined,
): string {
  const { type, id } = resource;
  return canonicalDigest({ treeId, verb, type, id, argsDigest: argsDigest ?? null });
}

/** The same limits for the same run, at whatever time. */
export const escalationAsked = (runId: string, { time: _, ...limits }: Limits): string =>
  canonicalDigest({ runId, limits });

/** The same lease for the same person's purpose and class of agent, at whatever time. */
export const rootAsked = (
  run: Pick<RunNode, 'principalRef' | 'purposeRef'> & { readonly agentClass: string },
  { time: _, ...limits }: Limits,
): string =>
  canonicalDigest({
    principalRef: run.principalRef,
    purposeRef: run.purposeRef,
    agentClass: run.agentClass,
    limits,
  });

/** The newest refusal of what is asked, for as long as it counts; a later approval of the same counts above it. */
export function refusedBefore(
  state: LogState,
  asks: string,
  now: number,
  approval?: ApprovalNode,
): ApprovalNode | undefined {
  const id = state.refusals.get(asks);
  const refused = id === undefined ? undefined : state.approvals.get(id);
  if (refused?.decidedAt === undefined || now >= refused.decidedAt + LIMITS.refusalAppliesMs) return undefined;
  const later = approval?.status === 'approved' && (approval.decidedPosition ?? 0) > (refused.decidedPosition ?? 0);
  return later && approval.asks === asks ? undefined : refused;
}

/** As a reason of a decision, and in the detail of a refusal. */
export const refusedText = ({ id, by, decidedAt = 0 }: ApprovalNode): string =>
  `${by ?? 'a person'} refused exactly this at ${rfc3339(decidedAt)} (${id}); ` +
  `it can be asked for again from ${rfc3339(decidedAt + LIMITS.refusalAppliesMs)}`;

export const refusedReason = (refused: ApprovalNode): Reason => ({
  rule: 'approval',
  outcome: 'deny',
  code: 'REFUSED_BY_PERSON',
  message: refusedText(refused),
});
