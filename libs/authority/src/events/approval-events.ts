import { coolDown } from '../approvals/cool-downs';
import { isPerson, isSamePerson } from '../approvals/people';
import { isStanding } from '../approvals/standing';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { current, heldBy, type ApprovalNode, type LogState, type RunNode } from '../state/state';
import { starts, ends, join } from './ended';
import { endRun } from './endings';
import { CorruptLog, follows, must, runOf, type Fold } from './follows';
import { label } from './labels';

export const approvalRequested: Fold<'ApprovalRequested'> = (state, event, at) => {
  const { data } = event;
  const run = runOf(state, event);
  const asker = askerOf(state, run, data);
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
    askedBy: isPerson(event.actor) ? event.actor.id : undefined,
    objections: data.objections,
    asks: data.asks,
    bundle: data.bundle,
    replaces: data.replaces,
    held: heldBy(state, { supersedes: data.supersedes, grantId: event.grantId }),
    requestedAt: at,
    expiresAt: must(parseTime(data.expiresAt), 'expiresAt', event),
    position: event.position,
    turn: asker.pendingApprovals + 1,
    verb: undefined,
    tool: undefined,
    resource: undefined,
    call: undefined,
    answers: undefined,
    less: undefined,
    scope: undefined,
    breakGlass: undefined,
    refusedUntil: undefined,
    status: 'pending',
    by: undefined,
    usableUntil: undefined,
    decidedAt: undefined,
    decidedPosition: undefined,
  };
  if (state.approvals.has(approval.id)) throw new CorruptLog(`approval ${approval.id} is requested twice (I8)`);
  addApproval(state, approval);
  join(state.trees.get(run.treeId), 'approvals', approval);
  asker.pendingApprovals += 1;
  countChild(state, approval, 1);
  starts(state, run.treeId);
};

type Request = Pick<ApprovalNode, 'kind'> & Partial<Pick<ApprovalNode, 'parentId'>>;
const isForChild = ({ kind, parentId }: Request): boolean => kind === 'grant' && parentId !== undefined;

/** Returns the run that waits: for a child's first lease the run that delegates, otherwise the run itself. */
const askerOf = (state: LogState, run: RunNode, request: Request): RunNode =>
  (isForChild(request) ? state.runs.get(run.parentRunId ?? '') : undefined) ?? run;

/** A child that waits for its first lease is among the children that its parent has made, unless it is refused. */
function countChild(state: LogState, request: Request, by: 1 | -1): void {
  const parent = isForChild(request) ? current(state, request.parentId as string) : undefined;
  if (parent) parent.children += by;
}

/** The request is a separate event; this one names the call. */
export const actionStepUp: Fold<'ActionStepUp'> = (state, { data }) => {
  const approval = state.approvals.get(data.approvalId);
  if (approval?.kind !== 'action') return;
  approval.verb ??= data.verb;
  approval.tool ??= data.tool;
  approval.resource ??= { type: data.resource.type, id: data.resource.id };
  approval.call ??= {
    effects: data.effects ?? [data.effect],
    ...(data.stated === undefined ? {} : { stated: data.stated }),
    cost: data.charge.cost,
    ...(data.charge.units === undefined ? {} : { units: data.charge.units }),
  };
};

/** One of several answers: the request stays pending. */
export const approvalAnswered: Fold<'ApprovalAnswered'> = (state, event, at) => {
  const { data } = event;
  const approval = pendingOf(state, data.approvalId, event);
  addAnswer(approval, event, at);
  if (data.verdict === 'deny') return;
  approval.less = data.limits ?? approval.less;
  approval.scope = data.scope;
};

function addAnswer(
  approval: ApprovalNode,
  { type, position, data: { verdict, by }, actor: { role, groups } }: EventOf<'ApprovalAnswered' | 'ApprovalGiven'>,
  at: number,
): void {
  const answer = {
    by,
    verdict,
    at,
    position,
    ...(role === undefined ? {} : { role }),
    ...(groups === undefined ? {} : { groups }),
  };
  // a person that changes their mind has one answer
  const others = (approval.answers ?? []).filter((each) => !isSamePerson(each.by, by));
  const isAlone = others.length === 0 && type === 'ApprovalGiven' && role === undefined && groups === undefined;
  approval.answers = isAlone ? undefined : [...others, answer];
}

/** Of a used approval the policy reads no more whether its people might answer; one person is in `by`. */
function whoAnswered(answers: ApprovalNode['answers']): ApprovalNode['answers'] {
  if (answers === undefined || answers.length === 1) return undefined;
  return answers.map(({ by, verdict, at, position }) => ({ by, verdict, at, position }));
}

export const approvalGiven: Fold<'ApprovalGiven'> = (state, event, at) => {
  const { data } = event;
  const pending = pendingOf(state, data.approvalId, event);
  addAnswer(pending, event, at);
  Object.assign(pending, { less: undefined, scope: data.verdict === 'approve' ? data.scope : undefined });
  const approval = endApproval(state, data.approvalId, data.verdict === 'approve' ? 'approved' : 'denied', event, at);
  approval.breakGlass = data.breakGlass;
  approval.by = data.by;
  approval.usableUntil = data.usableUntil === undefined ? undefined : parseTime(data.usableUntil);
  approval.refusedUntil = data.refusedUntil === undefined ? undefined : parseTime(data.refusedUntil);
  rememberRefusal(state, approval);
  const { refusedUntil: until, asks } = approval;
  if (until !== undefined && asks !== undefined)
    coolDown(state, asks, { approvalId: approval.id, by: data.by, at, position: event.position, until });
  const run = runOf(state, event);
  if (data.verdict === 'approve') addApprovers(run, approval);
  if (data.verdict === 'deny' && approval.kind === 'grant')
    endRun(state, run, 'refused', at, 'a person denied the grant');
  if (data.verdict === 'deny' && approval.kind === 'escalation') label(state, event, 'denied:escalation');
};

/** Everyone whose answer counts for an approval, also the first ones of several. */
function addApprovers(run: RunNode, { answers = [], by }: ApprovalNode): void {
  const given = answers.filter(({ verdict }) => verdict === 'approve').map((each) => each.by);
  const before = run.approvers ?? (run.approvedBy === undefined ? [] : [run.approvedBy]);
  const all = new Set([...before, ...given, ...(by === undefined ? [] : [by])]);
  if (all.size > before.length) run.approvers = [...all].slice(0, LIMITS.runApprovers);
}

/** A request about a call is withdrawn while it waits, and an approval of more than one call while it lasts. */
export const approvalWithdrawn: Fold<'ApprovalWithdrawn'> = (state, event, at) => {
  const approval = must(state.approvals.get(event.data.approvalId), 'approval', event);
  if (approval.status === 'pending') {
    follows(approval.kind === 'action', 'a request about a call', event);
    endApproval(state, approval.id, 'withdrawn', event, at);
    return;
  }
  follows(isStanding(approval) && event.runId === approval.runId, 'an approval of more than one call', event);
  approval.status = 'withdrawn';
};

export const approvalExpired: Fold<'ApprovalExpired'> = (state, event, at) => {
  const approval = endApproval(state, event.data.approvalId, 'expired', event, at);
  if (approval.kind === 'grant')
    endRun(state, runOf(state, event), 'refused', at, 'nobody answered the grant request in time');
};

/** Adds a requested approval to the state and its indexes. Also used to read a snapshot. */
export function addApproval(state: LogState, approval: ApprovalNode): void {
  state.approvals.set(approval.id, approval);
  rememberRefusal(state, approval);
  if (approval.status !== 'pending') return;
  state.pendingByBinding.set(approval.binding, approval.id);
  state.waiting.add(approval);
  state.deadlines.add({ at: approval.expiresAt, kind: 'approval', id: approval.id });
}

/** Remembers the newest refusal of a request, although a snapshot lists refusals in the order of their requests. */
function rememberRefusal(state: LogState, { id, asks, status, decidedPosition, refusedUntil }: ApprovalNode): void {
  if (refusedUntil !== undefined) return; // the policy states for how long it applies: see `coolDowns`
  if (status !== 'denied' || asks === undefined || decidedPosition === undefined) return;
  const known = state.approvals.get(state.refusals.get(asks) ?? '')?.decidedPosition ?? -1;
  if (decidedPosition > known) state.refusals.set(asks, id);
}

function endApproval(
  state: LogState,
  id: string,
  status: ApprovalNode['status'],
  event: Event,
  at: number,
): ApprovalNode {
  const approval = pendingOf(state, id, event);
  stopWaiting(state, approval, status, event.position, at);
  const run = state.runs.get(approval.runId);
  if (run) askerOf(state, run, approval).pendingApprovals -= 1;
  if (status !== 'approved') countChild(state, approval, -1);
  ends(state, approval.treeId);
  return approval;
}

function pendingOf(state: LogState, id: string, event: Event): ApprovalNode {
  const approval = must(state.approvals.get(id), 'approval', event);
  if (approval.status !== 'pending') throw new CorruptLog(`approval ${id} is answered twice (I8)`);
  follows(event.runId === approval.runId, 'the run that asked for it', event);
  return approval;
}

/** Members that only a pending approval needs, and one that covers more than one call. */
const NO_CALL = { verb: undefined, tool: undefined, resource: undefined, call: undefined } as const;

/** Ends the waiting of a pending approval, answered or not. */
export function stopWaiting(
  state: LogState,
  approval: ApprovalNode,
  status: ApprovalNode['status'],
  position: number,
  at: number,
): void {
  approval.status = status;
  approval.decidedAt = at;
  approval.decidedPosition = position;
  if (state.pendingByBinding.get(approval.binding) === approval.id) state.pendingByBinding.delete(approval.binding);
  state.waiting.end(approval);
  approval.turn = 0;
  if (!isStanding(approval)) Object.assign(approval, NO_CALL);
}

/**
 * I8: an approval is used once, by the run that requested it, and that of an action only for the exact action it is
 * bound to.
 */
export function useApproval(state: LogState, id: string | undefined, event: Event, binding?: string): void {
  if (id === undefined) return;
  const approval = state.approvals.get(id);
  if (approval?.status !== 'approved') throw new CorruptLog(`approval ${id} is used but not approved (I8)`);
  if (isStanding(approval)) {
    follows(approval.runId === event.runId && binding !== undefined, 'the approved calls (I8)', event);
    return;
  }
  const same = binding === undefined ? approval.kind !== 'action' : approval.binding === binding;
  follows(same && approval.runId === event.runId, 'the approved request (I8)', event);
  approval.status = 'used';
  approval.answers = whoAnswered(approval.answers);
}
