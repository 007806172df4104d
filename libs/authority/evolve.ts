import type { Event, EventOf, EventType } from '#contracts/event';
import type { Consumed, GrantStatus } from '#contracts/grant';
import { parseTime } from '#kernel/clock';
import { RULE_LABELS } from '#contracts/trajectory';
import { LIMITS } from '#kernel/limits';
import type { Deadline } from './deadlines';
import { ruleOf } from './rules';
import {
  chainOf,
  current,
  isKeyed,
  keepMs,
  type ApprovalNode,
  type CommandNode,
  type GrantNode,
  type LogState,
  type RunNode,
  type SettledNode,
  type TreeNode,
} from './state';
import { carryUsage, commit, emptyUsage, reserve } from './usage';

/** A log that does not follow from itself: nothing may be decided on it (I11). */
export class CorruptLog extends Error {}

/**
 * Folds one event into the state, in place, and returns the state. Deterministic; reads nothing but its arguments
 * (I10). The event is believed: whether it was allowed was `decide`'s question.
 * @throws CorruptLog where the event cannot follow this state: a gap, an unknown grant, a second outcome.
 */
export function evolve(state: LogState, event: Event): LogState {
  if (event.log !== state.log || event.position !== state.next) {
    throw new CorruptLog(`event ${event.log}@${event.position} cannot follow ${state.log}@${state.next - 1} (I5)`);
  }
  if (event.tenant !== state.tenant)
    throw new CorruptLog(`event ${event.log}@${event.position} is another tenant's (I9)`);
  const at = must(parseTime(event.time), 'time', event);
  if (at < state.lastTime)
    throw new CorruptLog(`event ${event.log}@${event.position} is earlier than the one before it`);
  const handle = must(HANDLERS[event.type] as Handler | undefined, 'type', event);
  state.next = event.position + 1;
  state.lastTime = at;
  handle(state, event, at);
  remember(state, event, at);
  dropEnded(state);
  return state;
}

/** Keeps the soonest deadline one that is still to come: what has ended otherwise is taken off when it surfaces. */
function dropEnded(state: LogState): void {
  for (let next = state.deadlines.peek(); next && !isPending(state, next); next = state.deadlines.peek())
    state.deadlines.pop();
}

function isPending(state: LogState, { kind, id }: Deadline): boolean {
  switch (kind) {
    case 'grant':
      return isOpen(state.grants.get(id)?.status ?? 'expired');
    case 'approval':
      return state.approvals.get(id)?.status === 'pending';
    case 'action':
      return state.actions.has(id);
  }
}

type Handler = (state: LogState, event: Event, at: number) => void;
type Handlers = { [T in EventType]: (state: LogState, event: EventOf<T>, at: number) => void };

const HANDLERS: Handlers = {
  RunOpened(state, event, at) {
    const { data } = event;
    const run: RunNode = {
      id: must(event.runId, 'runId', event),
      treeId: must(event.treeId, 'treeId', event),
      parentRunId: data.parentRunId,
      agent: data.agent,
      principalRef: data.principalRef,
      purposeRef: data.purposeRef,
      startedAt: at,
      position: event.position,
      status: 'pending',
      grantId: undefined,
      approvedBy: undefined,
      endedAt: undefined,
      endReason: undefined,
      drift: 0,
      pendingApprovals: 0,
    };
    if (state.runs.has(run.id)) throw new CorruptLog(`run ${run.id} is opened twice`);
    const above = data.parentRunId === undefined ? undefined : state.runs.get(data.parentRunId)?.treeId;
    follows(data.parentRunId === undefined ? !state.trees.has(run.treeId) : above === run.treeId, 'its tree', event);
    state.runs.set(run.id, run);
    if (!state.trees.has(run.treeId)) state.trees.set(run.treeId, { id: run.treeId, rootRunId: run.id, labels: {} });
  },

  GrantIssued(state, event, at) {
    const { data } = event;
    const run = runOf(state, event);
    const old =
      data.supersedes === undefined ? undefined : must(state.grants.get(data.supersedes), 'superseded grant', event);
    const grant: GrantNode = {
      id: must(event.grantId, 'grantId', event),
      treeId: run.treeId,
      runId: run.id,
      parentId: data.parentId,
      depth: data.depth,
      limits: data.limits,
      notBefore: must(parseTime(data.limits.time.notBefore), 'notBefore', event),
      expiresAt: must(parseTime(data.limits.time.expiresAt), 'expiresAt', event),
      issuedAt: at,
      position: event.position,
      supersedes: data.supersedes,
      usage: old ? carryUsage(old.usage, old.limits.budget, data.limits.budget) : emptyUsage(data.limits.budget),
      status: 'active',
      supersededBy: undefined,
      children: old?.children ?? 0,
      inFlight: old?.inFlight ?? 0,
      endedAt: undefined,
      endReason: undefined,
      revocationId: undefined,
      checkedEpoch: 0,
      struckBy: undefined,
    };
    if (state.grants.has(grant.id)) throw new CorruptLog(`grant ${grant.id} is issued twice`);
    const parent = data.parentId === undefined ? undefined : must(current(state, data.parentId), 'parent grant', event);
    follows(parent?.runId === run.parentRunId, 'the grant of the run above', event);
    follows(run.grantId === data.supersedes && (!old || isOpen(old.status)), 'the grant that its run has', event);
    if (!old && parent) parent.children += 1;
    addGrant(state, grant);
    run.grantId = grant.id;
    run.status = 'active';
    run.approvedBy = data.approvedBy ?? run.approvedBy;
    useApproval(state, data.approvalId, event);
  },

  DelegationRefused(state, event) {
    if (event.data.code === 'GRANT_WIDENS_PARENT') label(treeOf(state, event), 'denied:escalation', event);
  },

  ApprovalRequested(state, event, at) {
    const { data } = event;
    const run = runOf(state, event);
    const approval: ApprovalNode = {
      id: data.approvalId,
      kind: data.kind,
      runId: run.id,
      treeId: run.treeId,
      grantId: event.grantId,
      actionId: event.actionId,
      binding: data.binding,
      risk: data.risk,
      limits: data.limits,
      parentId: data.parentId,
      depth: data.depth ?? 0,
      supersedes: data.supersedes,
      requestedAt: at,
      expiresAt: must(parseTime(data.expiresAt), 'expiresAt', event),
      position: event.position,
      status: 'pending',
      by: undefined,
      usableUntil: undefined,
      decidedAt: undefined,
      decidedPosition: undefined,
    };
    if (state.approvals.has(approval.id)) throw new CorruptLog(`approval ${approval.id} is requested twice (I8)`);
    addApproval(state, approval);
    run.pendingApprovals += 1;
  },

  ApprovalGiven(state, event, at) {
    const { data } = event;
    const approval = endApproval(state, data.approvalId, data.verdict === 'approve' ? 'approved' : 'denied', event, at);
    approval.by = data.by;
    approval.usableUntil = data.usableUntil === undefined ? undefined : parseTime(data.usableUntil);
    const run = runOf(state, event);
    if (data.verdict === 'deny' && approval.kind === 'grant') endRun(run, 'refused', at, 'a person denied the grant');
    if (data.verdict === 'deny' && approval.kind === 'escalation')
      label(treeOf(state, event), 'denied:escalation', event);
  },

  ApprovalExpired(state, event, at) {
    const approval = endApproval(state, event.data.approvalId, 'expired', event, at);
    if (approval.kind === 'grant')
      endRun(runOf(state, event), 'refused', at, 'nobody answered the grant request in time');
  },

  ActionPermitted(state, event, at) {
    const { data } = event;
    const grantId = must(event.grantId, 'grantId', event);
    const chain = must(chainOf(state, grantId), 'chain of the grant', event);
    const leaf = chain[0] as GrantNode;
    follows(event.runId === leaf.runId && event.treeId === leaf.treeId, 'run and tree of its grant', event);
    follows(isCountable(data.charge), 'amounts that can be counted (I3)', event);
    for (const grant of chain) reserve(grant.usage, grant.limits.budget, data.charge, at);
    leaf.inFlight += 1;
    const id = must(event.actionId, 'actionId', event);
    if (state.actions.has(id) || state.settled.has(id)) throw new CorruptLog(`action ${id} is permitted twice`);
    const expiresAt = must(parseTime(data.expiresAt), 'expiresAt', event);
    state.actions.set(id, {
      id,
      grantId,
      runId: must(event.runId, 'runId', event),
      treeId: must(event.treeId, 'treeId', event),
      charge: data.charge,
      permittedAt: at,
      expiresAt,
      position: event.position,
    });
    state.deadlines.add({ at: expiresAt, kind: 'action', id });
    const tree = treeOf(state, event);
    for (const each of data.labels) label(tree, each, event);
    useApproval(state, data.approvalId, event, data.binding);
  },

  ActionDenied(state, event) {
    if (event.data.labels.includes('escalation')) label(treeOf(state, event), 'denied:escalation', event);
  },

  ActionStepUp() {
    // the approval it names was requested by an event of its own
  },

  ActionCompleted: (state, event, at) => settle(state, event, 'completed', at),
  ActionFailed: (state, event, at) => settle(state, event, 'failed', at),
  ActionAbandoned: (state, event, at) => settle(state, event, 'abandoned', at),

  DriftScored(state, event) {
    // a report that comes late must not loosen what a later one tightened; only a person's resuming does
    const run = runOf(state, event);
    run.drift = Math.max(run.drift, event.data.score);
  },

  GrantSuspended(state, event) {
    const grant = grantOf(state, event);
    follows(grant.status === 'active', 'a grant that is active', event);
    grant.status = 'suspended';
    grant.endReason = event.data.reason.says ?? event.data.reason.code;
    runOf(state, event).status = 'suspended';
  },

  /** A person has looked: what was scored before counts no more. */
  GrantResumed(state, event) {
    const grant = grantOf(state, event);
    follows(grant.status === 'suspended', 'a grant that is suspended', event);
    grant.status = 'active';
    grant.endReason = undefined;
    const run = runOf(state, event);
    run.status = 'active';
    run.drift = 0;
  },

  GrantSuperseded(state, event, at) {
    const grant = grantOf(state, event);
    follows(state.grants.get(event.data.by)?.supersedes === grant.id, 'the grant it was raised to', event);
    grant.status = 'superseded';
    grant.supersededBy = event.data.by;
    grant.endedAt = at;
    grant.endReason = `superseded by ${event.data.by}`;
  },

  GrantRevoked(state, event, at) {
    const grant = grantOf(state, event);
    grant.revocationId = event.data.revocationId;
    endGrant(state, event, 'revoked', at);
  },

  GrantExpired: (state, event, at) => endGrant(state, event, 'expired', at),
  GrantExhausted: (state, event, at) => endGrant(state, event, 'exhausted', at),

  RunCompleted(state, event, at) {
    const run = runOf(state, event);
    const grant = run.grantId === undefined ? undefined : state.grants.get(run.grantId);
    if (grant && isOpen(grant.status)) close(grant, 'completed', at, event.data.reason.says ?? event.data.reason.code);
    endRun(run, 'completed', at, event.data.reason.says ?? event.data.reason.code);
  },

  RevocationRuleAdded(state, event, at) {
    state.rules.add(ruleOf(event.data, event.position, at));
  },

  QuarantineLifted(state, event) {
    state.rules.lift(event.data.revocationId);
  },

  /** A fact for the record; one of more authority that was asked for and refused counts for the sequence rules. */
  Refused(state, event) {
    const { command, code } = event.data;
    if (command === 'escalate' && code === 'GRANT_WIDENS_PARENT' && event.treeId !== undefined)
      label(treeOf(state, event), 'denied:escalation', event);
  },
};

const isOpen = (status: GrantStatus): boolean => status === 'active' || status === 'suspended';

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
  state.settled.set(id, { status, runId: action.runId, at, position: event.position });
  const chain = must(chainOf(state, action.grantId), 'chain of the grant', event);
  for (const grant of chain)
    commit(grant.usage, grant.limits.budget, action.charge, event.data.charge, action.permittedAt, at);
  (chain[0] as GrantNode).inFlight -= 1;
  for (const each of event.data.labels ?? []) label(treeOf(state, event), each, event);
}

/** Puts an issued grant into its places. Also the way back from a snapshot. */
export function addGrant(state: LogState, grant: GrantNode): void {
  state.grants.set(grant.id, grant);
  state.order.push(grant);
  if (isOpen(grant.status)) state.deadlines.add({ at: grant.expiresAt, kind: 'grant', id: grant.id });
}

export function addApproval(state: LogState, approval: ApprovalNode): void {
  state.approvals.set(approval.id, approval);
  if (approval.status !== 'pending') return;
  state.pendingByBinding.set(approval.binding, approval.id);
  state.deadlines.add({ at: approval.expiresAt, kind: 'approval', id: approval.id });
}

function endApproval(
  state: LogState,
  id: string,
  status: ApprovalNode['status'],
  event: Event,
  at: number,
): ApprovalNode {
  const approval = must(state.approvals.get(id), 'approval', event);
  if (approval.status !== 'pending') throw new CorruptLog(`approval ${id} is answered twice (I8)`);
  follows(event.runId === approval.runId, 'the run that asked for it', event);
  approval.status = status;
  approval.decidedAt = at;
  approval.decidedPosition = event.position;
  if (state.pendingByBinding.get(approval.binding) === id) state.pendingByBinding.delete(approval.binding);
  const run = state.runs.get(approval.runId);
  if (run) run.pendingApprovals -= 1;
  return approval;
}

function useApproval(state: LogState, id: string | undefined, event: Event, binding?: string): void {
  if (id === undefined) return;
  const approval = state.approvals.get(id);
  if (approval?.status !== 'approved') throw new CorruptLog(`approval ${id} is used but not approved (I8)`);
  const same = binding === undefined ? approval.kind !== 'action' : approval.binding === binding;
  follows(same && approval.runId === event.runId, 'what was approved (I8)', event);
  approval.status = 'used';
}

function endGrant(
  state: LogState,
  event: EventOf<'GrantRevoked' | 'GrantExpired' | 'GrantExhausted'>,
  status: GrantStatus,
  at: number,
): void {
  const says = event.data.reason.says ?? event.data.reason.code;
  close(grantOf(state, event), status, at, says);
  endRun(runOf(state, event), status as 'revoked' | 'expired' | 'exhausted', at, says);
}

function close(grant: GrantNode, status: GrantStatus, at: number, reason: string): void {
  grant.status = status;
  grant.endedAt = at;
  grant.endReason = reason;
}

function endRun(run: RunNode, status: RunNode['status'], at: number, reason: string): void {
  run.status = status;
  run.endedAt = at;
  run.endReason = reason;
}

function label(tree: TreeNode, name: string, event: Event): void {
  if (Object.hasOwn(tree.labels, name)) return;
  // callers may tell any label they like, and so many are kept; none of them can crowd out one that a rule looks for
  if (!RULE_LABELS.has(name) && Object.keys(tree.labels).length >= LIMITS.labelsPerTree) return;
  tree.labels[name] = { actionId: event.actionId ?? event.id, runId: event.runId ?? '', position: event.position };
}

/** Keeps where a command's events stand for as long as its first answer must be told again, and no longer. */
function remember(state: LogState, event: Event, at: number): void {
  const keyed = isKeyed(event.commandId);
  const map = keyed ? state.keyed : state.tries;
  const known = map.get(event.commandId);
  if (known) known.count += 1;
  else map.set(event.commandId, { first: event.position, count: 1, at, requestDigest: event.requestDigest });
  forget(state.keyed, at - keepMs(true));
  forget(state.tries, at - keepMs(false));
  forget(state.settled, at - LIMITS.idempotencyMs);
}

/** Maps keep the order of insertion, which is that of time: the oldest come first. */
function forget(map: Map<string, CommandNode | SettledNode>, before: number): void {
  for (const [id, node] of map) {
    if (node.at >= before) return;
    map.delete(id);
  }
}

function runOf(state: LogState, event: Event): RunNode {
  return must(state.runs.get(must(event.runId, 'runId', event)), 'run', event);
}
function grantOf(state: LogState, event: Event): GrantNode {
  const grant = must(state.grants.get(must(event.grantId, 'grantId', event)), 'grant', event);
  follows(event.runId === grant.runId, 'the run of its grant', event);
  return grant;
}
function treeOf(state: LogState, event: Event): TreeNode {
  return must(state.trees.get(must(event.treeId, 'treeId', event)), 'tree', event);
}
function must<T>(value: T | undefined, what: string, event: Event): T {
  if (value === undefined)
    throw new CorruptLog(`event ${event.log}@${event.position} (${event.type}) names no known ${what}`);
  return value;
}

/** Not whether it was allowed, but whether what it names belongs together: a forged event must not mend what has ended. */
function follows(holds: boolean, what: string, event: Event): void {
  if (!holds) throw new CorruptLog(`event ${event.log}@${event.position} (${event.type}) does not agree with ${what}`);
}

/** I3: a sum with a negative, a broken or an unsafe number in it would give back what was never used. */
function isCountable({ cost, ...counts }: Consumed): boolean {
  return [...Object.values(counts), ...Object.values(cost)].every((each) => Number.isSafeInteger(each) && each >= 0);
}
