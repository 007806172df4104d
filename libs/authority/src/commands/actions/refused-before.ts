import type { AskedBundle } from '@bailiwick/contracts/approvals/asked-bundle';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { ApprovalNode, CoolDown, LogState, RunNode } from '../../state/state';

/*
 * A request that a person has refused is not shown to a person again for a while. Two requests are the same by facts
 * that cannot be restated: the run within the tree that asks does not count, nor do the stated cost, effect, tool or
 * attributes.
 */

/** Identifies a call, independent of the run of the tree that asks for it. */
export function callAsked(
  treeId: string,
  verb: string,
  resource: { readonly type: string; readonly id: string },
  argsDigest: string | undefined,
): string {
  const { type, id } = resource;
  return canonicalDigest({ treeId, verb, type, id, argsDigest: argsDigest ?? null });
}

/** Identifies limits requested for a run, independent of the time. */
export const escalationAsked = (runId: string, { time: _, ...limits }: Limits): string =>
  canonicalDigest({ runId, limits });

/** Identifies a bundle requested for a run, whatever the run holds and whichever part of it is requested. */
export const bundleAsked = (runId: string, { digest }: Pick<AskedBundle, 'digest'>): string =>
  canonicalDigest({ runId, bundle: digest });

/** Identifies a root lease requested for a principal's purpose and a class of agent, independent of the time. */
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

/** Identifies a lease requested for a child of a run, independent of the time. */
export const childAsked = (
  parentRunId: string,
  { purposeRef, agentClass }: { readonly purposeRef: string; readonly agentClass: string },
  { time: _, ...limits }: Limits,
): string => canonicalDigest({ parentRunId, purposeRef, agentClass, limits });

/**
 * Returns the newest refusal of a request while it applies; a later approval of the same request overrides it. It
 * applies for as long as the policy in force at the refusal stated.
 */
export function refusedBefore(
  state: LogState,
  asks: string,
  now: number,
  approval?: ApprovalNode,
): CoolDown | undefined {
  const refused = newestRefusal(state, asks);
  if (!refused || now >= refused.until) return undefined;
  const later = approval?.status === 'approved' && (approval.decidedPosition ?? 0) > refused.position;
  return later && approval.asks === asks ? undefined : refused;
}

function newestRefusal({ coolDowns, refusals, approvals }: LogState, asks: string): CoolDown | undefined {
  const stated = coolDowns.get(asks);
  const id = refusals.get(asks);
  const refused = id === undefined ? undefined : approvals.get(id);
  if (refused?.decidedAt === undefined) return stated;
  const { decidedAt: at, decidedPosition: position = 0, by = 'a person' } = refused;
  if (stated && stated.position >= position) return stated;
  return { approvalId: refused.id, by, at, position, until: at + LIMITS.refusalAppliesMs };
}

/** As a reason of a decision, and in the detail of a refusal. */
export const refusedText = ({ approvalId, by, at, until }: CoolDown): string =>
  `${by} refused exactly this at ${rfc3339(at)} (${approvalId}); it can be asked for again from ${rfc3339(until)}`;

export const refusedReason = (refused: CoolDown): Reason => ({
  rule: 'approval',
  outcome: 'deny',
  code: 'REFUSED_BY_PERSON',
  message: refusedText(refused),
});
