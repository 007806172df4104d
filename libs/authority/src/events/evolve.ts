import type { Event, EventType } from '@bailiwick/contracts/event';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { asideBy, isPassedOver } from '../state/set-aside';
import type { Deadline } from '../state/deadlines';
import { actionAbandoned, actionCompleted, actionFailed, actionPermitted, outcomeReportedLate } from './action-events';
import { actionStepUp, approvalExpired, approvalGiven, approvalRequested } from './approval-events';
import { grantExhausted, grantExpired, grantRevoked, grantSuperseded, isOpen, runCompleted } from './endings';
import { forgetEnded, isLate, letGo, touch } from './ended';
import { CorruptLog, must, type Fold } from './follows';
import { eventSetAside } from './set-aside';
import { grantIssued, grantResumed, grantSuspended } from './grant-events';
import { refused } from './labels';
import { driftScored, runOpened } from './run-events';
import { chargeRefusal, forgetRefusals } from '../commands/refusal-budgets';
import { ruleOf } from '../revocation/revocation-rules';
import { isKeyed, keepMs, type CommandNode, type LogState, type SettledNode } from '../state/state';

type AnyFold = (state: LogState, event: Event, at: number) => void;

const FOLDS: { [T in EventType]: Fold<T> } = {
  RunOpened: runOpened,
  RunCompleted: runCompleted,
  DriftScored: driftScored,
  GrantIssued: grantIssued,
  GrantSuspended: grantSuspended,
  GrantResumed: grantResumed,
  GrantSuperseded: grantSuperseded,
  GrantRevoked: grantRevoked,
  GrantExpired: grantExpired,
  GrantExhausted: grantExhausted,
  DelegationRefused: refused,
  ApprovalRequested: approvalRequested,
  ApprovalGiven: approvalGiven,
  ApprovalExpired: approvalExpired,
  ActionPermitted: actionPermitted,
  ActionDenied: refused,
  ActionStepUp: actionStepUp,
  ActionCompleted: actionCompleted,
  ActionFailed: actionFailed,
  ActionAbandoned: actionAbandoned,
  OutcomeReportedLate: outcomeReportedLate,
  RevocationRuleAdded: (state, event, at) => state.rules.add(ruleOf(event.data, event.position, at)),
  QuarantineLifted: (state, event, at) => state.rules.lift(event.data.revocationId, event.position, at),
  PayloadsErased: () => undefined, // nothing folds over a payload
  HistoryImported: (state, event) => void (state.imported = event.position),
  EventSetAside: eventSetAside,
  Refused: refused,
  RefusalsSummarized: () => undefined, // counts; each would have changed nothing
};

/**
 * Folds one event into the state, in place, and returns the state. Deterministic; reads nothing but its arguments
 * (I10). The event is believed: whether it was allowed was `decide`'s question.
 * @throws CorruptLog where the event cannot follow this state: a gap, an unknown grant, a second outcome.
 */
export function evolve(state: LogState, event: Event): LogState {
  const before = state.lastTime;
  const at = follow(state, event);
  remember(state, event, at);
  chargeRefusal(state, event, at);
  touch(state, event, at);
  if (isNextTurn(before, at)) {
    forget(state.keyed, at - keepMs(true));
    forget(state.tries, at - keepMs(false));
    forgetRefusals(state, at);
    forgetEnded(state, at);
    letGo(state, (each) => isPending(state, each));
  }
  return state;
}

/**
 * The same for a state that nobody will send a command to, as where the past is looked at: who sent what is not
 * remembered, and no tree is forgotten.
 * @throws CorruptLog as `evolve`
 */
export function evolveUnasked(state: LogState, event: Event): LogState {
  follow(state, event);
  return state;
}

function follow(state: LogState, event: Event): number {
  if (event.log !== state.log || event.position !== state.next) {
    throw new CorruptLog(`event ${event.log}@${event.position} cannot follow ${state.log}@${state.next - 1} (I5)`);
  }
  if (event.tenant !== state.tenant)
    throw new CorruptLog(`event ${event.log}@${event.position} is another tenant's (I9)`);
  const at = must(parseTime(event.time), 'time', event);
  if (at < state.lastTime)
    throw new CorruptLog(`event ${event.log}@${event.position} is earlier than the one before it`);
  const fold = must(FOLDS[event.type] as AnyFold | undefined, 'type', event);
  const before = state.lastTime;
  state.next = event.position + 1;
  state.lastTime = at;
  if (!isLate(state, event) && !isPassedOver(state, event)) fold(state, event, at);
  if (isNextTurn(before, at)) {
    forget(state.settled, at - LIMITS.settledMs);
    forget(state.abandoned, at - LIMITS.lateOutcomeMs);
  }
  dropEnded(state);
  return at;
}

/** Keeps the soonest deadline one that is still to come: what has ended otherwise is taken off when it surfaces. */
export function dropEnded(state: LogState): void {
  for (let next = state.deadlines.peek(); next && !isPending(state, next); next = state.deadlines.peek())
    state.deadlines.pop();
}

/** In a tree that is set aside nothing runs out: it waits as it is, and may do nothing. */
function isPending(state: LogState, { kind, id }: Deadline): boolean {
  switch (kind) {
    case 'grant': {
      const grant = state.grants.get(id);
      return isOpen(grant?.status ?? 'expired') && !asideBy(state, grant?.treeId);
    }
    case 'approval': {
      const approval = state.approvals.get(id);
      return approval?.status === 'pending' && !asideBy(state, approval.treeId);
    }
    case 'action': {
      const action = state.actions.get(id);
      return action !== undefined && !asideBy(state, action.treeId);
    }
  }
}

/** Keeps where a command's events stand for as long as its first answer must be told again, and a second at most beyond. */
function remember(state: LogState, event: Event, at: number): void {
  const keyed = isKeyed(event.commandId);
  const map = keyed ? state.keyed : state.tries;
  const known = map.get(event.commandId);
  if (known) known.count += 1;
  else map.set(event.commandId, { first: event.position, count: 1, at, requestDigest: event.requestDigest });
}

/**
 * Once in a second of the log's own time, so that every fold does it at the same events: a map that is read from its
 * front passes all that was taken from there since it was last made anew, which may be hundreds of thousands.
 */
const isNextTurn = (before: number, at: number): boolean =>
  Math.floor(at / FORGET_EVERY_MS) !== Math.floor(before / FORGET_EVERY_MS);
const FORGET_EVERY_MS = 1_000;

/** Maps keep the order of insertion, which is that of time: the oldest come first. */
function forget(map: Map<string, CommandNode | SettledNode>, before: number): void {
  for (const [id, node] of map) {
    if (node.at >= before) return;
    map.delete(id);
  }
}
