import type { PermissionsView } from '@bailiwick/contracts/queries/permissions';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { isStanding } from '../approvals/standing';
import { shownTerms } from '../approvals/terms';
import { describeAll } from '../dimensions/all';
import { manifestPurses } from '../manifests/left';
import { leastLeft } from '../state/purses';
import { asSeenBelow } from '../state/reserves';
import { chainOf, current, type ApprovalNode, type GrantNode, type LogState } from '../state/state';
import { remainingOf } from '../state/usage';
import { approvalStatus } from './approval-status';
import { grantView } from './views';

/** Returns what a run may do, what is left, and what it could ask for; undefined if it has no lease. */
export function showPermissions(state: LogState, runId: string, now: number): PermissionsView | undefined {
  const run = state.runs.get(runId);
  const grant = current(state, run?.grantId ?? '');
  const chain = grant && chainOf(state, grant.id);
  if (!run || !grant || !chain) return undefined;
  const { id, status, blockedBy, limits, manifest } = grantView(state, grant, now);
  const own = (state.trees.get(run.treeId)?.approvals ?? []).filter((each) => each.runId === runId);
  return {
    runId,
    treeId: run.treeId,
    agentClass: run.agent.class,
    policy: state.policies.version,
    grant: {
      ...{ id, status, limits },
      ...(blockedBy === undefined ? {} : { blockedBy }),
      expiresAt: limits.time.expiresAt,
      ...(manifest === undefined ? {} : { manifest }),
    },
    may: describeAll(limits),
    remaining: leftOf(state, chain, now),
    approvals: own.flatMap((each) => standing(each, now)).slice(-LIMITS.pendingApprovalsPerRun),
    pending: own.filter((each) => approvalStatus(state, each, now) === 'pending').map((each) => waiting(state, each)),
    ask: asks(runId, grant),
    position: state.next - 1,
  };
}

/** Returns what is left of each lease of a chain, and of what the manifests in force allow them. */
function leftOf(state: LogState, chain: readonly GrantNode[], now: number): PermissionsView['remaining'] {
  const accounts = asSeenBelow(chain);
  const left = remainingOf(accounts);
  return leastLeft(left, manifestPurses(state, chain, accounts, left, DEPLOYED), now, undefined);
}

/** A view shows the manifests that the tenant deployed. */
const DEPLOYED = {};

function standing({ id, scope, verb, tool, resource, call, usableUntil, ...rest }: ApprovalNode, now: number) {
  if (!isStanding({ scope, ...rest }) || !verb || !resource || now >= (usableUntil ?? 0)) return [];
  return [
    {
      ...{ id, verb, scope: scope ?? 'call' },
      ...(tool === undefined ? {} : { tool }),
      resource: scope === 'target' ? { type: resource.type, id: resource.id } : { type: resource.type },
      cost: { ...call?.cost },
      until: rfc3339(usableUntil ?? 0),
    },
  ];
}

function waiting(state: LogState, approval: ApprovalNode): PermissionsView['pending'][number] {
  const { id, kind, expiresAt } = approval;
  const { given, needed } = shownTerms(state, approval);
  return { id, kind, expiresAt: rfc3339(expiresAt), given, needed };
}

function asks(runId: string, { id, limits }: GrantNode): PermissionsView['ask'] {
  const post = (path: string, ...body: string[]) => ({ method: 'POST' as const, path, body });
  const { delegation, time } = limits;
  return [
    {
      for: 'call',
      says: 'send the call; if the decision is step-up, wait until approvalId is approved and repeat it with approvalId',
      how: post('/v1/actions', 'grantId', 'action', 'resource', 'approvalId'),
    },
    {
      for: 'more',
      says: 'ask a person for a larger lease, with the reason',
      how: post(`/v1/runs/${runId}/escalations`, 'want', 'reason'),
    },
    ...(delegation.depth > 0
      ? [
          {
            for: 'child' as const,
            says: 'delegate a part of the lease to a subagent',
            how: post(`/v1/grants/${id}/delegations`, 'agent', 'task', 'grant'),
          },
        ]
      : []),
    ...(time.renewUntil === undefined
      ? []
      : [
          {
            for: 'renewal' as const,
            says: `renew the lease, until ${time.renewUntil}`,
            how: post(`/v1/grants/${id}/renewal`),
          },
        ]),
  ];
}
