import type { ApprovalNode, LogState, RunNode } from '../state/state';
import { isSamePerson } from './people';

/** Why a person may not approve a request: it is theirs. */
export interface OwnRequest {
  readonly message: string;
}

/**
 * No person approves what they asked for: neither the person who sent the request, nor one who opened its run or a run
 * above it, nor the principal in whose name the tree works.
 * @param actorRef of the approver as a person; the principal is known by its ref alone
 */
export function askedForThemselves(
  state: LogState,
  approval: ApprovalNode,
  by: string,
  actorRef: string | undefined,
): OwnRequest | undefined {
  if (approval.askedBy !== undefined && isSamePerson(approval.askedBy, by))
    return { message: `${by} asked for this, and another person must approve it` };
  for (const { id, openedBy, principalRef } of runsAbove(state, approval.runId)) {
    if (openedBy !== undefined && isSamePerson(openedBy, by))
      return { message: `${by} opened run ${id}, and another person must approve what it asks for` };
    if (actorRef !== undefined && principalRef === actorRef)
      return { message: `run ${id} works for ${by}, and another person must approve what it asks for` };
  }
  return undefined;
}

/** Returns the run above this one whose lease a person approved, if there is one. */
export const approvedLeaseOf = (state: LogState, runId: string, by: string): RunNode | undefined =>
  runsAbove(state, runId).find(({ approvedBy }) => approvedBy !== undefined && isSamePerson(approvedBy, by));

/** Returns a run and its ancestors. */
function runsAbove(state: LogState, runId: string): RunNode[] {
  const runs: RunNode[] = [];
  for (let run = state.runs.get(runId); run; run = state.runs.get(run.parentRunId ?? '')) runs.push(run);
  return runs;
}
