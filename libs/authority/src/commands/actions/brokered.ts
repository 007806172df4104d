import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { EventData } from '@bailiwick/contracts/events/event';
import type { ReasonCode } from '@bailiwick/contracts/error-codes';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import { ok, type Result } from '@bailiwick/core/result';
import { normalizeResourceId } from '../../matching/pattern';
import { blockedInChain, livenessReason } from '../../state/liveness';
import { chainOf, settledOf, type ActionNode, type LogState, type RunNode } from '../../state/state';
import { refuse, type NewEvent } from '../types';

/*
 * A brokered call: a service, such as `version-control`, acts under its own root lease because an agent of another tree
 * was permitted to call it. The agent's permit names the service (resource `agent`, its class). Each side is judged by
 * its own lease and charged to it, and neither inherits authority from the other. A call is used by one permit.
 */

/** The call that a service acts for, and why it may not. */
export interface BrokeredCall {
  readonly actionId: string;
  readonly runId: string;
  readonly treeId: string;
  readonly objection: Reason | undefined;
}

/**
 * Finds the call that a command names. A call that has ended, whose lease is no longer live, or that is to another
 * service objects to the action.
 * @returns undefined if the command names none; a refusal if the call is unknown or of the same tree
 */
export function brokeredCall(
  state: LogState,
  { onBehalfOf }: Pick<CommandOf<'authorize'>, 'onBehalfOf'>,
  service: RunNode,
  now: number,
): Result<BrokeredCall | undefined, Refusal> {
  if (onBehalfOf === undefined) return ok(undefined);
  const { actionId } = onBehalfOf;
  const call = state.actions.get(actionId);
  const run = state.runs.get((call ?? settledOf(state, actionId))?.runId ?? '');
  if (!run) return refuse('NOT_FOUND', `onBehalfOf.actionId: no call ${actionId} is in flight or has just ended`);
  if (run.treeId === service.treeId)
    return refuse('BAD_REQUEST', 'onBehalfOf names a call of another tree; use parentActionId for one of this tree');
  const { id: runId, treeId } = run;
  const objection = call ? objectionTo(state, call, service, now) : NOT_IN_FLIGHT;
  return ok({ actionId, runId, treeId, objection });
}

function objectionTo(state: LogState, call: ActionNode, service: RunNode, now: number): Reason | undefined {
  const id = normalizeResourceId(service.agent.class);
  if (call.callsAgent === null)
    return deny(
      'CALL_ALREADY_USED',
      'a service has acted for this call; name its action as parentActionId, or call again',
    );
  if (!id.ok || call.callsAgent !== id.value)
    return deny('CALL_TO_ANOTHER', `the call was permitted to ${named(call)}, and this is ${service.agent.class}`);
  const chain = chainOf(state, call.grantId);
  const blocked = chain && blockedInChain(state, chain, now);
  if (chain && !blocked) return undefined;
  const why = chain && blocked ? livenessReason(chain, blocked).message : 'it is unknown';
  return deny('CALLER_NOT_LIVE', `the lease of the caller is no longer live: ${why}`);
}

const named = ({ callsAgent }: ActionNode): string => callsAgent ?? 'no agent';
const deny = (code: ReasonCode, message: string): Reason => ({ rule: 'caller', outcome: 'deny', code, message });
const NOT_IN_FLIGHT = deny('CALL_NOT_IN_FLIGHT', 'the call that this is for has ended; the caller must call again');

/** Returns the member of the service's event that names the call. */
export const calledByOf = (call: BrokeredCall | undefined): Pick<EventData<'ActionDenied'>, 'calledBy'> =>
  call ? { calledBy: { actionId: call.actionId, runId: call.runId, treeId: call.treeId } } : {};

/** Returns the event on the caller's side of a permit. It carries the labels of the permit into the caller's tree. */
export function calledEvent(
  state: LogState,
  call: BrokeredCall | undefined,
  called: EventData<'ActionCalled'>['called'],
  labels: readonly string[],
): NewEvent[] {
  if (!call) return [];
  const { actionId, runId, treeId } = call;
  const grantId = state.actions.get(actionId)?.grantId;
  return [{ type: 'ActionCalled', treeId, runId, grantId, actionId, data: { called, labels: [...labels] } }];
}
