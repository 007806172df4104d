import type { Limits, Permission } from '@bailiwick/contracts/grants/grant';
import type { PermissionsView } from '@bailiwick/contracts/queries/permissions';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { isStanding } from '../approvals/standing';
import { shownTerms } from '../approvals/terms';
import { bundleAsked, refusedBefore } from '../commands/actions/refused-before';
import { pendingBundle, stillHeld } from '../commands/grants/bundles';
import { entriesHeld } from '../commands/grants/escalation';
import { describeAll } from '../dimensions/all';
import { manifestPurses } from '../manifests/left';
import { leastLeft } from '../state/purses';
import { describeEntry } from '../dimensions/entry';
import { permissions as dimension } from '../dimensions/permissions';
import { agentsInForce } from '../manifests/in-force';
import type { Bundle, MayAsk } from '../manifests/may-ask';
import { asSeenBelow } from '../state/reserves';
import { chainOf, current, type ApprovalNode, type GrantNode, type LogState, type RunNode } from '../state/state';
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
  const manifestOf = agentsInForce(state, {})?.of(run.agent.class);
  const bundles = manifestOf?.mayAsk?.bundles.map((each) => missingOf(state, run, grant, each, now));
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
    ...(bundles === undefined ? {} : { missing: bundles }),
    ask: asks(runId, grant, manifestOf?.mayAsk),
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

type Missing = NonNullable<PermissionsView['missing']>[number];

/** States whether a run holds a bundle of its manifest, and how it asks for it. */
function missingOf(state: LogState, run: RunNode, { limits }: GrantNode, bundle: Bundle, now: number): Missing {
  const { asked, permissions } = bundle;
  return {
    ...{ name: asked.name, words: asked.words, permissions: permissions.map(describeEntry) },
    ...(asked.lasts === undefined ? {} : { lasts: asked.lasts }),
    ...statusOf(state, run, limits, bundle, now),
    how: post(`/v1/runs/${run.id}/escalations`, 'ask', 'reason'),
  };
}

function statusOf(
  state: LogState,
  run: RunNode,
  limits: Limits,
  { asked, permissions }: Bundle,
  now: number,
): Pick<Missing, 'status' | 'approvalId' | 'until'> {
  const pending = pendingBundle(state, run, asked, now);
  if (pending) return { status: 'pending', approvalId: pending.id };
  const refused = refusedBefore(state, bundleAsked(run.id, asked), now);
  if (refused) return { status: 'refused', until: rfc3339(refused.until) };
  // an entry that is held for a time only is compared without its end
  const held = entriesHeld(stillHeld(limits, now));
  const endless = held.map(({ until: _, ...each }) => each);
  const within = permissions.map((entry) =>
    held.filter((_, i) => dimension.attenuates([entry], [endless[i] as Permission]).ok),
  );
  if (within.some((entries) => entries.length === 0)) return { status: 'missing' };
  const ends = within.map((entries) =>
    Math.max(...entries.map(({ until }) => (until === undefined ? Infinity : Date.parse(until)))),
  );
  const first = Math.min(...ends);
  return { status: 'held', ...(first === Infinity ? {} : { until: rfc3339(first) }) };
}

const post = (path: string, ...body: string[]) => ({ method: 'POST' as const, path, body });

function asks(runId: string, { id, limits }: GrantNode, mayAsk: MayAsk | undefined): PermissionsView['ask'] {
  const { delegation, time } = limits;
  return [
    {
      for: 'call',
      says: 'send the call; if the decision is step-up, wait until approvalId is approved and repeat it with approvalId',
      how: post('/v1/actions', 'grantId', 'action', 'resource', 'approvalId'),
    },
    ...(mayAsk === undefined || mayAsk.unlisted || mayAsk.bundles.length > 0
      ? [
          {
            for: 'more' as const,
            ...(mayAsk === undefined
              ? {
                  says: 'ask a person for a larger lease, with the reason',
                  how: post(`/v1/runs/${runId}/escalations`, 'want', 'reason'),
                }
              : {
                  says: 'ask a person for one of the bundles in missing, by its name in ask or by the call in missing, with the reason',
                  how: post(
                    `/v1/runs/${runId}/escalations`,
                    'ask',
                    'missing',
                    ...(mayAsk.unlisted ? ['want'] : []),
                    'reason',
                  ),
                }),
          },
        ]
      : []),
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
