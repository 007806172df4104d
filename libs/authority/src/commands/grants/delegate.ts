import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok } from '@bailiwick/core/result';
import type { Verdict } from '../../dimensions/dimension';
import { mayDelegate } from '../../dimensions/delegation';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { agentFault, storedAgent } from '../../matching/names';
import { questionForLease, waitMs } from '../../approvals/terms';
import { childAsked, refusedBefore, refusedReason, refusedText } from '../actions/refused-before';
import { boundForChild, childBeyondManifests, manifestAsksForChild } from '../../manifests/issue';
import { narrowedAbove } from './bounds';
import { resolveChild } from './resolve';
import { quarantineRefusal, subjectAsked } from '../../revocation/revocation-rules';
import { cannotSetAside } from '../../state/reserves';
import { chainOf, type GrantNode, type LogState, type RunNode } from '../../state/state';
import { clip } from '../../presentation/text';
import { actsForAnother, newId, notFound, refuse, type Decide, type NewEvent } from '../types';

/** Creates a child run with a child grant that is no wider than its parent in any dimension (I1). */
export const delegate: Decide<'delegate'> = (state, command, now, rules) => {
  const chain = chainOf(state, command.grantId);
  if (!chain) return notFound('grant', command.grantId);
  const parent = chain[0] as GrantNode;
  const parentRun = state.runs.get(parent.runId) as RunNode;
  if (actsForAnother(command, parent.runId)) return refuse('FORBIDDEN', 'a run may only delegate from its own grant');
  const fault = agentFault(command.agent);
  if (fault) return err(fault);
  const blocked = blockedInChain(state, chain, now);
  if (blocked) {
    const reason = livenessReason(chain, blocked);
    return refuse('GRANT_NOT_LIVE', `no grant can be made below ${command.grantId}: ${reason.message}`, [reason]);
  }
  const where = { treeId: parent.treeId, runId: parent.runId, grantId: parent.id };
  const denied = (event: Extract<NewEvent, { type: 'DelegationRefused' }>['data']): NewEvent => ({
    type: 'DelegationRefused',
    ...where,
    data: { ...event, detail: clip(event.detail, LIMITS.detailLength), ...askedFor(command.grant) },
  });

  const allowed = mayPassOn(state, chain, command.agent.class);
  if (allowed.outcome !== 'permit') {
    const reason = { rule: 'delegation', ...allowed };
    return ok([
      denied({
        agentClass: command.agent.class,
        code: 'DELEGATION_NOT_ALLOWED',
        detail: allowed.message,
        reasons: [reason],
      }),
    ]);
  }
  const bounds = narrowedAbove(state, chain);
  const manifest = boundForChild(state, command.agent.class, parent.limits, now, rules);
  const resolved = resolveChild(command.grant, parent.limits, now, parent.limits, bounds, manifest);
  if (!resolved.ok) {
    const { code, detail, reasons } = resolved.error;
    if (code !== 'GRANT_WIDENS_PARENT') return resolved;
    return ok([denied({ agentClass: command.agent.class, code, detail, reasons: reasons ?? [] })]);
  }
  const limits = resolved.value;
  const beyond = childBeyondManifests(state, chain, { agentClass: command.agent.class, limits, now }, rules);
  if (beyond) {
    const { code, detail, reasons } = beyond;
    return ok([denied({ agentClass: command.agent.class, code, detail, reasons: reasons ?? [] })]);
  }
  const short = cannotSetAside(chain, limits.budget);
  if (short.length > 0) {
    const detail = `the budget ${SET_ASIDE_DETAIL}: ${short.map(({ path }) => path).join(', ')}; ask for less, or without reserve`;
    return ok([denied({ agentClass: command.agent.class, code: 'BUDGET_EXHAUSTED', detail, reasons: short })]);
  }
  const asked = subjectAsked(command.agent, {
    principalRef: parentRun.principalRef,
    purposeRef: command.purposeRef,
    approver: undefined,
    treeId: parent.treeId,
    startedAt: now,
    limits,
  });
  const quarantined = quarantineRefusal(state, asked, now);
  if (quarantined) return err(quarantined);

  const child = { parent, principalRef: parentRun.principalRef, limits, now };
  const asks = chain.some((grant) => grant.limits.delegation.ask) || manifestAsksForChild(state, chain, rules);
  if (asks) return askForChild(state, command, parentRun, child);
  return ok(childRun(state, command, child));
};

export const SET_ASIDE_DETAIL = 'cannot be set aside, since less is left';

/** Returns the events of a child run: its opening and its grant. */
function childRun(state: LogState, command: CommandOf<'delegate'>, child: Child): NewEvent[] {
  const { parent, limits } = child;
  const runId = newId('run', state, command.commandId);
  return [
    openedChild(command, runId, child),
    {
      type: 'GrantIssued',
      treeId: parent.treeId,
      runId,
      grantId: newId('grant', state, command.commandId),
      data: { parentId: parent.id, depth: parent.depth + 1, limits },
    },
  ];
}

/** A child that is about to be made. */
interface Child {
  readonly parent: GrantNode;
  readonly principalRef: string;
  readonly limits: Limits;
  readonly now: number;
}

const openedChild = (
  command: CommandOf<'delegate'>,
  runId: string,
  { parent, principalRef, now }: Child,
): NewEvent => ({
  type: 'RunOpened',
  treeId: parent.treeId,
  runId,
  payload: true,
  data: {
    agent: storedAgent(command.agent),
    principalRef,
    purposeRef: command.purposeRef,
    parentRunId: parent.runId,
    startedAt: rfc3339(now),
  },
});

/** Opens the child's run and asks a person for its lease. The request counts among those of the parent's run. */
function askForChild(
  state: LogState,
  command: CommandOf<'delegate'>,
  parentRun: RunNode,
  child: Child,
): ReturnType<Decide<'delegate'>> {
  const { parent, limits, now } = child;
  if (parentRun.pendingApprovals >= LIMITS.pendingApprovalsPerRun)
    return refuse(
      'TOO_MANY',
      `run ${parentRun.id} already waits for ${parentRun.pendingApprovals} approvals; have some answered first`,
    );
  const asks = childAsked(parentRun.id, { purposeRef: command.purposeRef, agentClass: command.agent.class }, limits);
  const refused = refusedBefore(state, asks, now);
  if (refused) return refuse('REFUSED_BY_PERSON', refusedText(refused), [refusedReason(refused)]);
  const runId = newId('run', state, command.commandId);
  const wait = waitMs(state, questionForLease('grant', command.agent.class, limits));
  return ok([
    openedChild(command, runId, child),
    {
      type: 'ApprovalRequested',
      treeId: parent.treeId,
      runId,
      data: {
        approvalId: newId('approval', state, command.commandId),
        kind: 'grant',
        // an answer after the end of the requested lease would be too late
        expiresAt: rfc3339(Math.min(now + wait, Date.parse(limits.time.expiresAt))),
        risk: limits.risk.ceiling,
        binding: canonicalDigest({ runId, limits }),
        limits,
        parentId: parent.id,
        depth: parent.depth + 1,
        asks,
      },
    },
  ]);
}

/**
 * Returns the request for the event of the refusal, so that it can be decided again, unless it is too large for an
 * event.
 */
function askedFor(request: GrantRequest): { asked?: GrantRequest } {
  const text = JSON.stringify(request);
  return text.length <= 2_000 ? { asked: JSON.parse(text) as GrantRequest } : {}; // equal to the value that is read back (I10)
}

/**
 * Checks the whole chain: a grant created outside the rules cannot delegate more than its ancestors allow (I11).
 * @param counted the child waits for its first lease and is among the counted children already
 */
export function mayPassOn(
  state: LogState,
  chain: readonly GrantNode[],
  agentClass: string,
  { counted = false }: { readonly counted?: boolean } = {},
): Verdict & { grantId: string } {
  const own = counted ? 1 : 0;
  const verdicts = chain.map((grant, up) => {
    const { depth, classes } = grant.limits.delegation;
    if (up === 0) {
      const live = state.openChildren.of(grant.runId) - own;
      return { ...mayDelegate(grant.limits.delegation, agentClass, grant.children - own, live), grantId: grant.id };
    }
    // an ancestor has its children already; only its depth and classes apply here
    return { ...mayDelegate({ depth: depth - up, children: Infinity, classes }, agentClass, 0), grantId: grant.id };
  });
  return verdicts.find((verdict) => verdict.outcome !== 'permit') ?? (verdicts[0] as Verdict & { grantId: string });
}
