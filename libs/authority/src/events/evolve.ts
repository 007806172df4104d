import type { Event, EventType } from '@bailiwick/contracts/events/event';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { asideBy, isPassedOver } from '../state/set-aside';
import type { Deadline } from '../state/deadlines';
import {
  actionAbandoned,
  actionCalled,
  actionCompleted,
  actionFailed,
  actionPermitted,
  outcomeReportedLate,
} from './action-events';
import { tenantBudgetRemoved, tenantBudgetSet } from './budget-events';
import {
  actionStepUp,
  approvalAnswered,
  approvalExpired,
  approvalGiven,
  approvalRequested,
  approvalWithdrawn,
} from './approval-events';
import { grantExhausted, grantExpired, grantRevoked, grantSuperseded, isOpen, runCompleted } from './endings';
import { forgetEnded, isLate, compactLists, touch } from './ended';
import { CorruptLog, must, type Fold } from './follows';
import { eventSetAside } from './set-aside';
import { grantIssued, grantResumed, grantSuspended } from './grant-events';
import { grantNarrowed, grantRenewed } from './lease-changes';
import { refused } from './labels';
import { policyDeployed, policyPart, policyShadowed } from './policy-events';
import { responderFired } from './responder-events';
import { driftScored, runOpened } from './run-events';
import { observe, stepOf } from './steps';
import { forgetCoolDowns } from '../approvals/cool-downs';
import { chargeRefusal, forgetRefusals } from '../commands/refusal-budgets';
import { observeEvent } from '../responders/observe';
import { addRule } from '../revocation/add-rule';
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
  GrantRenewed: grantRenewed,
  GrantNarrowed: grantNarrowed,
  GrantSuperseded: grantSuperseded,
  GrantRevoked: grantRevoked,
  GrantExpired: grantExpired,
  GrantExhausted: grantExhausted,
  DelegationRefused: refused,
  ApprovalRequested: approvalRequested,
  ApprovalAnswered: approvalAnswered,
  ApprovalGiven: approvalGiven,
  ApprovalWithdrawn: approvalWithdrawn,
  AccessRequested: () => undefined, // the request was made with the step-up
  ApprovalExpired: approvalExpired,
  ActionPermitted: actionPermitted,
  ActionDenied: refused,
  ActionStepUp: actionStepUp,
  ActionCalled: actionCalled,
  ActionCompleted: actionCompleted,
  ActionFailed: actionFailed,
  ActionAbandoned: actionAbandoned,
  OutcomeReportedLate: outcomeReportedLate,
  RevocationRuleAdded: (state, event, at) => addRule(state, ruleOf(event.data, event.position, at)),
  ResponderFired: responderFired,
  QuarantineLifted: (state, event, at) => state.rules.lift(event.data.revocationId, event.position, at),
  SuspensionLifted: (state, event, at) => state.rules.resume(event.data.revocationId, event.position, at),
  TenantBudgetSet: tenantBudgetSet,
  TenantBudgetRemoved: tenantBudgetRemoved,
  PolicyPart: policyPart,
  PolicyDeployed: policyDeployed,
  PolicyShadowed: policyShadowed,
  KeyChanged: () => undefined, // the gateways know the keys
  McpServerApproved: () => undefined, // enforcement points compare it
  McpServerChanged: () => undefined, // the boundary reads the servers
  WebhookChanged: () => undefined, // the ledger reads the webhooks
  SessionChanged: () => undefined, // the gateways know the sessions
  SignalReceived: () => undefined, // one that stops something is a revocation
  PayloadsErased: () => undefined, // no fold reads a payload
  HistoryImported(state, event) {
    state.imported = event.position;
    state.responders.pending.clear(); // what another installation decided is history
  },
  EventSetAside: eventSetAside,
  Refused: refused,
  RefusalsSummarized: () => undefined, // only counts of refusals, which change nothing
};

/**
 * Folds one event into the state, in place, and returns the state. Deterministic: it reads nothing but its arguments
 * (I10). It does not check whether the event was allowed; `decide` did that.
 * @throws CorruptLog if the event cannot follow this state: a gap, an unknown grant, a second outcome
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
    forgetCoolDowns(state, at);
    forgetEnded(state, at);
    compactLists(state, (each) => isPending(state, each));
  }
  return state;
}

/**
 * Does the same for a state that receives no commands, e.g. to inspect the past: commands are not remembered and no
 * tree is forgotten.
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
  if (!isLate(state, event) && !isPassedOver(state, event)) {
    const step = stepOf(state, event);
    fold(state, event, at);
    if (step) observe(state, event, step, at);
    observeEvent(state, event, at);
  }
  if (isNextTurn(before, at)) {
    forget(state.settled, at - LIMITS.settledMs);
    forget(state.abandoned, at - LIMITS.lateOutcomeMs, state.ends);
    state.responders.forgetLate(at);
  }
  dropEnded(state);
  return at;
}

/** Ensures that the soonest deadline is still pending; later ones that are not are removed when they surface. */
export function dropEnded(state: LogState): void {
  for (let next = state.deadlines.peek(); next && !isPending(state, next); next = state.deadlines.peek())
    state.deadlines.pop();
}

/** Reports whether a deadline is pending. Nothing expires in a tree that is set aside: it waits and may do nothing. */
function isPending(state: LogState, { at, kind, id }: Deadline): boolean {
  switch (kind) {
    case 'grant': {
      const grant = state.grants.get(id);
      // a renewal or a narrowing moved the end of the lease
      return isOpen(grant?.status ?? 'expired') && grant?.expiresAt === at && !asideBy(state, grant.treeId);
    }
    case 'approval': {
      const approval = state.approvals.get(id);
      return approval?.status === 'pending' && !asideBy(state, approval.treeId);
    }
    case 'action': {
      const action = state.actions.get(id);
      return action !== undefined && !asideBy(state, action.treeId);
    }
    case 'responder': {
      const firing = state.responders.pending.get(id);
      return firing !== undefined && !asideBy(state, firing.treeId);
    }
    case 'suspension': {
      const rule = state.rules.find(id);
      return rule !== undefined && rule.resumed === undefined && !asideBy(state, rule.selector.treeId);
    }
  }
}

/**
 * Remembers the positions of a command's events for as long as a retry receives the original response, and up to 1 s
 * more.
 */
function remember(state: LogState, event: Event, at: number): void {
  const keyed = isKeyed(event.commandId);
  const map = keyed ? state.keyed : state.tries;
  const known = map.get(event.commandId);
  if (known) known.count += 1;
  else map.set(event.commandId, { first: event.position, count: 1, at, requestDigest: event.requestDigest });
}

/**
 * Returns true once per second of the log's time, so that every fold cleans up at the same events. Cleaning up more
 * often is expensive: an iteration from the front of a map passes all entries deleted since its last rehash, possibly
 * hundreds of thousands.
 */
const isNextTurn = (before: number, at: number): boolean =>
  Math.floor(at / FORGET_EVERY_MS) !== Math.floor(before / FORGET_EVERY_MS);
const FORGET_EVERY_MS = 1_000;

/** Forgets the oldest entries: maps keep the order of insertion, which is the order of time. */
function forget(
  map: Map<string, CommandNode | SettledNode>,
  before: number,
  about?: Map<string, readonly string[]>,
): void {
  for (const [id, node] of map) {
    if (node.at >= before) return;
    map.delete(id);
    about?.delete(id);
  }
}
