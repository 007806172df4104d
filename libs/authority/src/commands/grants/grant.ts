import { err, ok, type Result } from '@bailiwick/core/result';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Actor } from '@bailiwick/contracts/events/event';
import type { Refusal } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { blockedItself, isHeldByRule, type Blocked } from '../../state/liveness';
import { current, type GrantNode, type LogState } from '../../state/state';
import { outranksHolder, powerRefusal, resumeRefusal } from './power';
import { newId, notFound, refuse, type Decide, type NewEvent } from '../types';

/** Returns the named grant or the one that replaced it; a run may only end what it delegated. */
function named(
  state: LogState,
  command: Extract<Command, { grantId: string }>,
  now: number,
): Result<GrantNode, Refusal> {
  const grant = current(state, command.grantId);
  if (!grant) return notFound('grant', command.grantId);
  const refusal = powerRefusal(state, command.actor, grant, now);
  return refusal ? err(refusal) : ok(grant);
}

const at = (grant: GrantNode) => ({ treeId: grant.treeId, runId: grant.runId, grantId: grant.id });

export const suspend: Decide<'suspend'> = (state, command, now) => {
  const found = named(state, command, now);
  if (!found.ok) return found;
  const blocked = blockedItself(state, found.value, now);
  if (blocked && !canBeSuspended(state, command.actor, found.value, blocked))
    return refuse('ALREADY_ENDED', `grant ${found.value.id} is already ${blocked.status}`);
  return ok([
    {
      type: 'GrantSuspended',
      ...at(found.value),
      payload: true,
      data: { reason: { code: command.reasonCode, says: `suspended by ${command.actor.id}` } },
    },
  ]);
};

/** Reports whether a grant is only suspended, by a rule alone or by a run that the actor outranks. */
const canBeSuspended = (state: LogState, actor: Actor, grant: GrantNode, blocked: Blocked): boolean =>
  isHeldByRule(blocked) ||
  (blocked.status === 'suspended' && blocked.aside === undefined && outranksHolder(state, actor, grant));

/** Undoes a suspension and nothing else: a grant that is revoked, expired or exhausted stays so. */
export const resume: Decide<'resume'> = (state, command, now) => {
  const found = named(state, command, now);
  if (!found.ok) return found;
  if (command.actor.kind === 'system') return refuse('FORBIDDEN', 'the monitor may only tighten; a person resumes');
  const blocked = blockedItself(state, found.value, now);
  if (blocked?.status !== 'suspended') {
    return refuse('CONFLICT', `grant ${found.value.id} is ${blocked?.status ?? 'active'}, not suspended`);
  }
  if (isHeldByRule(blocked))
    return refuse(
      'CONFLICT',
      `grant ${found.value.id} is suspended by ${blocked.revocationId}, with all that it selects; resume that`,
    );
  const refusal = resumeRefusal(state, command.actor, found.value);
  if (refusal) return err(refusal);
  return ok([
    {
      type: 'GrantResumed',
      ...at(found.value),
      payload: true,
      data: { reason: { code: command.reasonCode, says: `resumed by ${command.actor.id}` } },
    },
  ]);
};

/** I6: marks one node; the walk up of every decision stops all of its descendants. */
export const revokeGrant: Decide<'revokeGrant'> = (state, command, now) => {
  const found = named(state, command, now);
  if (!found.ok) return found;
  const grant = found.value;
  if (grant.status === 'revoked') {
    return refuse(
      'ALREADY_ENDED',
      `grant ${grant.id} was already revoked at ${rfc3339(grant.endedAt ?? 0)} by ${grant.revocationId}`,
    );
  }
  return ok([
    {
      type: 'GrantRevoked',
      ...at(grant),
      payload: true,
      data: {
        revocationId: newId('revocation', state, command.commandId),
        subtree: true,
        reason: { code: 'REVOKED', says: `revoked by ${command.actor.id}` },
      },
    },
  ]);
};

/**
 * Records the monitor's score and applies the thresholds of the grant. They are applied here and nowhere else: the
 * monitor only reports.
 */
export const recordDrift: Decide<'recordDrift'> = (state, command, now) => {
  const run = state.runs.get(command.runId);
  if (!run) return notFound('run', command.runId);
  const grant = run.grantId === undefined ? undefined : state.grants.get(run.grantId);
  const where = { treeId: run.treeId, runId: run.id, grantId: grant?.id, actionId: command.actionId };
  const events: NewEvent[] = [
    {
      type: 'DriftScored',
      ...where,
      payload: true,
      data: { score: command.score, features: command.features, monitor: command.monitor },
    },
  ];
  const suspendAt = grant?.limits.purpose.onDrift.suspendAt ?? 1;
  const blocked = grant && blockedItself(state, grant, now);
  if (grant && command.score >= suspendAt && (!blocked || canBeSuspended(state, command.actor, grant, blocked))) {
    events.push(suspensionByDrift(grant, command.score, suspendAt));
  }
  return ok(events);
};

/** Suspends a grant whose run's score has reached its threshold. */
export function suspensionByDrift(grant: GrantNode, score: number, suspendAt: number): NewEvent {
  return {
    type: 'GrantSuspended',
    ...at(grant),
    data: {
      reason: {
        code: 'DRIFT',
        says: `drift ${score.toFixed(2)} reached ${suspendAt}: the run has left its declared purpose`,
      },
    },
  };
}
