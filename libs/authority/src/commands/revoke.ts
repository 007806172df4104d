import type { CommandOf } from '@bailiwick/contracts/commands/command';
import { inForceAlready, NO_ROOM_FOR_SUSPENSIONS } from '@bailiwick/contracts/revocations/room';
import { isTransmitter } from '@bailiwick/contracts/signals/signal-record';
import { namesVerb } from '@bailiwick/contracts/revocations/stored-selector';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok } from '@bailiwick/core/result';
import { selectorFault } from '../revocation/selector-fault';
import { grownSince, targetOf } from '../revocation/reach';
import type { LogState } from '../state/state';
import { normalizeTool } from '../matching/tool-name';
import { appliesAt, type Rule } from '../revocation/rule-set';
import { notFound, refuse, type Decide, type NewEvent } from './types';

/**
 * I6: revokes everything that a selector matches, in one event. Nothing is enumerated: only grants and requests made
 * after the operator's preview are read, and the command is refused if it would strike any of them unseen.
 */
export const revokeSelector: Decide<'revokeSelector'> = (state, command, now) => {
  if (command.actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not revoke');
  const fault = selectorFault(command.selector);
  if (fault) return err(fault);
  if (state.rules.find(command.revocationId))
    return refuse('CONFLICT', `revocation ${command.revocationId} already exists`);
  const inForce = coveredFor(state, command, now);
  if (inForce) return refuse('CONFLICT', `${inForce.revocationId} stops all of it`, [], inForceAlready(inForce));
  if (isFullOfRules(state, command)) return refuse('TOO_MANY', 'this log holds as many revocation rules as it may');
  const unclear = toolFault(command) ?? suspensionFault(command, now);
  if (unclear !== undefined) return refuse('BAD_REQUEST', unclear);
  if (command.mode === 'suspend' && isFullOfSuspensions(state, command))
    return refuse('TOO_MANY', FULL, [], NO_ROOM_FOR_SUSPENSIONS);
  const unseen = command.force === true ? undefined : unseenBy(state, command, now);
  if (unseen !== undefined) return refuse('BLAST_RADIUS_GREW', unseen);
  return ok([
    {
      type: 'RevocationRuleAdded',
      payload: true,
      ...(command.selector.treeId === undefined ? {} : { treeId: command.selector.treeId }),
      data: {
        revocationId: command.revocationId,
        selector: command.selector,
        ...(namesVerb(command.selector) ? { target: targetOf(command) } : {}),
        ...(command.mode === undefined ? {} : { mode: command.mode }),
        ...(command.until === undefined ? {} : { until: command.until }),
        quarantine: command.quarantine ?? false,
        ...(command.incident === undefined ? {} : { incident: command.incident }),
        reason:
          command.mode === 'suspend'
            ? { code: 'BY_PERSON', says: `suspended by ${command.actor.id}` }
            : { code: 'REVOKED', says: `revoked by ${command.actor.id}` },
      },
    },
  ]);
};

/** Refuses a rule whose tool names nothing: it would stop nothing while it seemed to. */
function toolFault({ selector, target }: CommandOf<'revokeSelector'>): string | undefined {
  const { tool } = selector;
  if (!namesVerb(selector))
    return (
      target && 'target applies to a tool or verbs; name them in selector.tool or selector.verb, or leave target out'
    );
  if (tool === undefined) return undefined;
  if (selector.verb !== undefined) return 'name either selector.tool or selector.verb: one is denied at a time';
  if (normalizeTool(tool) === '')
    return `selector.tool ${JSON.stringify(tool)} has no visible character; name one verb or tool`;
  return undefined;
}

/** Refuses a time that a revocation cannot have, or at which a suspension would already be over. */
function suspensionFault({ mode, until }: CommandOf<'revokeSelector'>, now: number): string | undefined {
  if (until === undefined) return undefined;
  if (mode !== 'suspend') return 'until is the end of mode suspend: a revocation has none';
  return (parseTime(until) ?? 0) > now ? undefined : 'until is not in the future: it would suspend nothing';
}

const FULL = 'as many suspensions apply to this log as may, or it holds as many as it may; lift some';

/**
 * Transmitters send many events about one person, and rules are kept for good: one that stops nothing more is not added.
 * A person who revokes again wants that on record, with their reason.
 */
const coveredFor = (
  { rules }: LogState,
  { actor, selector, mode }: CommandOf<'revokeSelector'>,
  now: number,
): Rule | undefined => (isTransmitter(actor) ? rules.covering(selector, mode === 'suspend', now) : undefined);

/** Transmitters leave room to people: however many events they send, a person can revoke. */
const isFullOfRules = ({ rules }: LogState, { actor }: CommandOf<'revokeSelector'>): boolean =>
  rules.list.length >= (isTransmitter(actor) ? LIMITS.signals.rules : LIMITS.activeRules);

/**
 * Each suspension that applies costs every decision a look-up; each one is kept, since it explains past denials.
 * Transmitters leave room to people: many security events at one time must not keep a person from suspending.
 */
function isFullOfSuspensions({ rules }: LogState, { actor }: CommandOf<'revokeSelector'>): boolean {
  const most = isTransmitter(actor) ? LIMITS.signals : LIMITS;
  return rules.holding >= most.suspensionsApplying || rules.suspensions >= most.suspensions;
}

/** Explains which affected grants and requests the operator has not seen. */
function unseenBy(state: LogState, command: CommandOf<'revokeSelector'>, now: number): string | undefined {
  if (!command.previewed)
    return 'no preview with this digest exists any longer; request a new preview and send its digest, or force';
  const { count, counted } = grownSince(state, command, command.previewed.asOf, now);
  if (!counted) return 'too many grants were issued after the preview to check them; request a new preview, or force';
  return count === 0
    ? undefined
    : `${count} grants or requests that this would stop were made after the preview; request a new preview, or force`;
}

export const liftQuarantine: Decide<'liftQuarantine'> = (state, command) => {
  const rule = state.rules.find(command.revocationId);
  if (!rule) return notFound('quarantine', command.revocationId);
  if (command.actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not lift a quarantine');
  if (!rule.quarantine)
    return refuse('CONFLICT', `revocation ${command.revocationId} holds no quarantine, or it was already lifted`);
  return ok([{ type: 'QuarantineLifted', payload: true, data: { revocationId: command.revocationId } }]);
};

/** Resumes all that a suspension holds, in one event: what was suspended otherwise, too, stays so. */
export const liftSuspension: Decide<'liftSuspension'> = (state, command, now) => {
  const rule = state.rules.find(command.revocationId);
  if (!rule?.suspends) return notFound('suspension', command.revocationId);
  if (command.actor.kind !== 'person' && command.actor.kind !== 'service')
    return refuse('FORBIDDEN', 'a person or a service resumes what a suspension holds, not a run or the monitor');
  if (!appliesAt(rule, now)) return refuse('CONFLICT', `suspension ${command.revocationId} has already ended`);
  return ok([suspensionEnd(rule, 'BY_PERSON', `resumed by ${command.actor.id}`)]);
};

/** The event that records that a suspension no longer applies. */
export const suspensionEnd = ({ revocationId, selector: { treeId } }: Rule, code: string, says: string): NewEvent => ({
  type: 'SuspensionLifted',
  payload: true,
  ...(treeId === undefined ? {} : { treeId }),
  data: { revocationId, reason: { code, says } },
});
