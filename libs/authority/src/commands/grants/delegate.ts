import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok } from '@bailiwick/core/result';
import type { Verdict } from '../../dimensions/dimension';
import { mayDelegate } from '../../dimensions/delegation';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { agentFault, storedAgent } from '../../matching/names';
import { narrowedAbove } from './bounds';
import { resolveChild } from './resolve';
import { quarantineRefusal } from '../../revocation/revocation-rules';
import { cannotSetAside } from '../../state/reserves';
import { chainOf, type GrantNode, type LogState, type RunNode } from '../../state/state';
import { clip } from '../../presentation/text';
import { actsForAnother, newId, notFound, refuse, type Decide, type NewEvent } from '../types';

/** Creates a child run with a child grant that is no wider than its parent in any dimension (I1). */
export const delegate: Decide<'delegate'> = (state, command, now) => {
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
  const resolved = resolveChild(command.grant, parent.limits, now, parent.limits, bounds);
  if (!resolved.ok) {
    const { code, detail, reasons } = resolved.error;
    if (code !== 'GRANT_WIDENS_PARENT') return resolved;
    return ok([denied({ agentClass: command.agent.class, code, detail, reasons: reasons ?? [] })]);
  }
  const limits = resolved.value;
  const short = cannotSetAside(chain, limits.budget);
  if (short.length > 0) {
    const detail = `the budget ${SET_ASIDE_DETAIL}: ${short.map(({ path }) => path).join(', ')}; ask for less, or without reserve`;
    return ok([denied({ agentClass: command.agent.class, code: 'BUDGET_EXHAUSTED', detail, reasons: short })]);
  }
  const quarantined = quarantineRefusal(state, {
    agentClass: command.agent.class,
    agentInstance: command.agent.instance,
    modelVersion: command.agent.posture?.modelVersion,
    principalRef: parentRun.principalRef,
    purposeRef: command.purposeRef,
    treeId: parent.treeId,
    limits,
  });
  if (quarantined) return err(quarantined);

  return ok(childRun(state, command, { parent, principalRef: parentRun.principalRef, limits, now }));
};

export const SET_ASIDE_DETAIL = 'cannot be set aside, since less is left';

/** Returns the events of a child run: its opening and its grant. */
function childRun(
  state: LogState,
  command: CommandOf<'delegate'>,
  { parent, principalRef, limits, now }: { parent: GrantNode; principalRef: string; limits: Limits; now: number },
): NewEvent[] {
  const runId = newId('run', state, command.commandId);
  return [
    {
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
    },
    {
      type: 'GrantIssued',
      treeId: parent.treeId,
      runId,
      grantId: newId('grant', state, command.commandId),
      data: { parentId: parent.id, depth: parent.depth + 1, limits },
    },
  ];
}

/**
 * Returns the request for the event of the refusal, so that it can be decided again, unless it is too large for an
 * event.
 */
function askedFor(request: GrantRequest): { asked?: GrantRequest } {
  const text = JSON.stringify(request);
  return text.length <= 2_000 ? { asked: JSON.parse(text) as GrantRequest } : {}; // equal to the value that is read back (I10)
}

/** Checks the whole chain: a grant created outside the rules cannot delegate more than its ancestors allow (I11). */
export function mayPassOn(
  state: LogState,
  chain: readonly GrantNode[],
  agentClass: string,
): Verdict & { grantId: string } {
  const verdicts = chain.map((grant, up) => {
    const { depth, classes } = grant.limits.delegation;
    if (up === 0) {
      const live = state.openChildren.of(grant.runId);
      return { ...mayDelegate(grant.limits.delegation, agentClass, grant.children, live), grantId: grant.id };
    }
    // an ancestor has its children already; only its depth and classes apply here
    return { ...mayDelegate({ depth: depth - up, children: Infinity, classes }, agentClass, 0), grantId: grant.id };
  });
  return verdicts.find((verdict) => verdict.outcome !== 'permit') ?? (verdicts[0] as Verdict & { grantId: string });
}
