import type { StoredSelector } from '#contracts/event';
import type { PreviewView } from '#contracts/query';
import { canonicalDigest } from '#kernel/digest';
import { LIMITS } from '#kernel/limits';
import { struckSince } from './decide/revoke';
import type { LogState, RunNode } from './state';

/**
 * The blast radius: what a revocation by this selector would stop now, counted before it is done. A read: it may walk
 * the whole state, which the revocation itself never does.
 */
export function preview(state: LogState, selector: StoredSelector, now: number): PreviewView {
  const grants = struckSince(state, selector, 0, now);
  const ids = new Set(grants.map((grant) => grant.id));
  const runIds = new Set(grants.map((grant) => grant.runId));
  const runs = [...runIds].map((id) => state.runs.get(id) as RunNode);
  const reservedCost: Record<string, number> = {};
  let inFlight = 0;
  for (const action of state.actions.values()) {
    if (!runIds.has(action.runId)) continue;
    inFlight += 1;
    for (const [currency, value] of Object.entries(action.charge.cost))
      reservedCost[currency] = (reservedCost[currency] ?? 0) + value;
  }
  const pendingApprovals = [...state.approvals.values()].filter(
    (approval) => approval.status === 'pending' && (runIds.has(approval.runId) || ids.has(approval.grantId ?? '')),
  ).length;
  const counts = {
    grants: grants.length,
    runs: runs.length,
    trees: new Set(grants.map((grant) => grant.treeId)).size,
    agents: new Set(runs.map((run) => `${run.agent.class}\n${run.agent.instance ?? ''}`)).size,
    inFlight,
    pendingApprovals,
    reservedCost,
  };
  return {
    digest: `${state.next}.${canonicalDigest({ selector, asOf: state.next, ids: [...ids].sort() }).slice('sha256:'.length)}`,
    counts,
    byClass: tally(runs.map((run) => run.agent.class)),
    byPrincipal: tally(runs.map((run) => run.principalRef)),
    sample: grants.slice(0, LIMITS.sampleSize).map((grant) => ({
      grantId: grant.id,
      runId: grant.runId,
      agentClass: state.runs.get(grant.runId)?.agent.class ?? '',
    })),
    asOf: state.next,
  };
}

function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
