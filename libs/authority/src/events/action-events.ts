import { isBoundary } from '@bailiwick/contracts/commands/command';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { parseTime } from '@bailiwick/core/clock';
import { chainOf, settledOf, type ActionNode, type GrantNode, type LogState, type SettledNode } from '../state/state';
import { statesPeriods } from '../state/periods';
import { applySlacks, slacksOf } from '../state/reserves';
import { commitInScopes, reserveInScopes } from '../state/scopes';
import { commit, reserve } from '../state/usage';
import { useApproval } from './approval-events';
import { draw, settleDrawn } from './budget-events';
import { starts, startsSending, ends, endsSending } from './ended';
import { CorruptLog, follows, isCountable, must, type Fold } from './follows';
import { carried, label } from './labels';

/** The labels that mark an action as sending or possibly sending. Otherwise the charge shows whether it sends. */
export const SENDS: ReadonlySet<string> = new Set(['send:external', 'may:send', 'fetch:unnamed']);

export const actionPermitted: Fold<'ActionPermitted'> = (state, event, at) => {
  const { data } = event;
  const grantId = must(event.grantId, 'grantId', event);
  const chain = must(chainOf(state, grantId), 'chain of the grant', event);
  const leaf = chain[0] as GrantNode;
  follows(event.runId === leaf.runId && event.treeId === leaf.treeId, 'run and tree of its grant', event);
  follows(isCountable(data.charge), 'amounts that can be counted (I3)', event);
  follows(statesPeriods(chain, at, data.periods), 'the calendar periods of its leases', event);
  const slacks = slacksOf(chain);
  for (const grant of chain) reserve(grant.usage, grant.limits.budget, data.charge, at, data.periods);
  if (slacks) applySlacks(chain, slacks);
  const covered = reserveInScopes(chain, data, data.charge, at);
  leaf.inFlight += 1;
  starts(state, leaf.treeId);
  const id = must(event.actionId, 'actionId', event);
  if (state.actions.has(id) || settledOf(state, id)) throw new CorruptLog(`action ${id} is permitted twice`);
  const expiresAt = must(parseTime(data.expiresAt), 'expiresAt', event);
  const outcomeUntil = data.outcomeUntil === undefined ? expiresAt : must(parseTime(data.outcomeUntil), 'time', event);
  const action: ActionNode = {
    id,
    grantId,
    runId: must(event.runId, 'runId', event),
    treeId: must(event.treeId, 'treeId', event),
    verb: data.verb,
    tool: data.tool,
    charge: data.charge,
    permittedAt: at,
    expiresAt,
    outcomeUntil,
    position: event.position,
    maySend: data.labels.some((each) => SENDS.has(each)) && data.charge.external === 0,
    callsAgent: data.resource.type === 'agent' ? data.resource.id : undefined,
    purses: draw(state, event, at),
    ...(covered ? { covered } : {}),
    ...(isBoundary(event.actor) ? { isOfBoundary: true } : {}),
  };
  state.actions.set(id, action);
  if (data.ends) {
    follows(
      data.ends.every((each) => chain.some((grant) => grant.id === each)),
      'the leases of its chain',
      event,
    );
    state.ends.set(id, data.ends);
  }
  if (state.denialStreaks.size > 0) state.denialStreaks.delete(leaf.runId);
  startsSending(state, action);
  state.deadlines.add({ at: outcomeUntil, kind: 'action', id });
  for (const each of carried(event)) label(state, event, each);
  useApproval(state, data.approvalId, event, data.binding);
};

/** Uses up the call for its service. The call stays in flight until its own outcome. */
export const actionCalled: Fold<'ActionCalled'> = (state, event) => {
  const action = must(state.actions.get(event.actionId ?? ''), 'permit without an outcome (I7)', event);
  follows(event.runId === action.runId && event.treeId === action.treeId, 'the call to the service', event);
  follows(typeof action.callsAgent === 'string', 'a call that no service has acted for', event);
  action.callsAgent = null;
  for (const each of carried(event)) label(state, event, each);
};

export const actionCompleted: Fold<'ActionCompleted'> = (state, event, at) => settle(state, event, 'completed', at);
export const actionFailed: Fold<'ActionFailed'> = (state, event, at) => settle(state, event, 'failed', at);
export const actionAbandoned: Fold<'ActionAbandoned'> = (state, event, at) => settle(state, event, 'abandoned', at);

/** Leaves charges and endings as they were; the labels of the result still count for the sequence rules. */
export const outcomeReportedLate: Fold<'OutcomeReportedLate'> = (state, event) => {
  const id = must(event.actionId, 'actionId', event);
  const settled = must(state.abandoned.get(id), 'action that was given up (I7)', event);
  follows(settled.latePosition === undefined && event.runId === settled.runId, 'the action that was given up', event);
  settled.latePosition = event.position;
  state.ends.delete(id);
  for (const each of carried(event)) label(state, event, each);
};

function settle(
  state: LogState,
  event: EventOf<'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned'>,
  status: SettledNode['status'],
  at: number,
): void {
  const id = must(event.actionId, 'actionId', event);
  const action = must(state.actions.get(id), 'permit without an outcome (I7)', event);
  follows(event.runId === action.runId && isCountable(event.data.charge), 'the permit it is the outcome of', event);
  state.actions.delete(id);
  if (status !== 'abandoned') state.ends.delete(id); // an abandoned action may still be reported as completed
  const settled = { status, runId: action.runId, at, position: event.position, latePosition: undefined };
  (status === 'abandoned' ? state.abandoned : state.settled).set(id, settled);
  must(chainOf(state, action.grantId), 'chain of the grant', event);
  release(state, action, event.data.charge, at);
  ends(state, action.treeId);
  for (const each of carried(event)) label(state, event, each);
}

/** Replaces what an action reserves in its leases and tenant budgets by what it did cost; it is in flight no longer. */
export function release(state: LogState, action: ActionNode, charge: Consumed, at: number): void {
  const chain = chainOf(state, action.grantId) ?? [];
  endsSending(state, action);
  const slacks = slacksOf(chain);
  for (const grant of chain)
    commit(grant.usage, grant.limits.budget, action.charge, charge, action.permittedAt, at, action.position);
  if (slacks) applySlacks(chain, slacks);
  if (action.purses !== undefined) settleDrawn(state, action, charge, at);
  commitInScopes(chain, action.covered, action.charge, charge);
  if (chain[0]) chain[0].inFlight -= 1;
}
