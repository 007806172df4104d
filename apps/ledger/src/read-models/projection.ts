import { approvalStatus, revokedRequest } from '@bailiwick/authority/presentation/approval-status';
import { isPassedOver } from '@bailiwick/authority/state/set-aside';
import { isOpen } from '@bailiwick/authority/events/endings';
import { blockedItself } from '@bailiwick/authority/state/liveness';
import { counts, Reach } from '@bailiwick/authority/revocation/reach';
import { isHeldBy, struckBy } from '@bailiwick/authority/revocation/revocation-rules';
import {
  chainOf,
  current,
  type ActionNode,
  type ApprovalNode,
  type GrantNode,
  type LogState,
  type RunNode,
} from '@bailiwick/authority/state/state';
import { grantTerms, grantView, runView } from '@bailiwick/authority/presentation/views';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import type { ConsequenceRow } from './entities/consequence';
import type { ItemRow } from './entities/item';

/**
 * The most frequent events, which do not change the row of a run or of an open grant: the counts of an open grant are
 * read from the state. So a permit, which every ancestor counts, writes no row.
 */
const QUIET: ReadonlySet<Event['type']> = new Set([
  'ActionPermitted',
  'ActionDenied',
  'ActionStepUp',
  'ActionCalled',
  'ActionCompleted',
  'ActionFailed',
  'ActionAbandoned',
  'OutcomeReportedLate',
  'ApprovalRequested',
  'DelegationRefused',
  'Refused',
  'RefusalsSummarized',
]);

const OUTCOMES: ReadonlySet<Event['type']> = new Set(['ActionCompleted', 'ActionFailed', 'ActionAbandoned']);

/**
 * Returns the rows that an event creates or changes, from the event and the state after it. They depend on the log alone,
 * so a rebuild produces the same rows.
 */
export function itemsOf(state: LogState, event: Event): ItemRow[] {
  if (isPassedOver(state, event)) return [];
  if (event.type === 'EventSetAside') return treeItems(state, event.treeId, event);
  const others = [...approvalItems(state, event), ...waitingChild(state, event), ...driftItem(state, event)];
  if (QUIET.has(event.type)) return [...stillCounted(state, event), ...others];
  const run = state.runs.get(event.runId ?? '');
  const runs = new Set(run ? [run] : []);
  const below = affectedBelow(state, event);
  for (const { id, runId } of below) {
    const owner = state.runs.get(runId);
    if (owner?.grantId === id) runs.add(owner);
  }
  for (const { kind, runId } of revokedBy(state, event)) {
    const waiting = kind === 'grant' ? state.runs.get(runId) : undefined;
    if (waiting) runs.add(waiting);
  }
  return [
    ...[...runs].map((each) => runRow(state, each, event)),
    ...[...new Set([...touched(state, event), ...below])].map((grant) => grantRow(state, grant, event)),
    ...stillCounted(state, event),
    ...others,
  ];
}

/** Returns the rows of the tree that an unreadable event has set aside: nothing in it is live after this position. */
export function itemsAside(state: LogState, position: number): ItemRow[] {
  const { log, unreadable, lastTime } = state;
  return treeItems(state, unreadable.get(position)?.treeId, { log, position, time: rfc3339(lastTime) });
}

function treeItems(state: LogState, treeId: string | undefined, at: At): ItemRow[] {
  const tree = treeId === undefined ? undefined : state.trees.get(treeId);
  if (!tree) return [];
  return [
    ...tree.runs.map((run) => runRow(state, run, at)),
    ...tree.grants.map((grant) => grantRow(state, grant, at)),
    ...tree.approvals.map((approval) =>
      approvalRow(state, approval, { ...at, runId: approval.runId }, approval.grantId),
    ),
  ];
}

/** The event that last changed a row. */
type At = Pick<Event, 'log' | 'position' | 'time'>;

function runRow(state: LogState, run: RunNode, { log, position: updated, time }: At): ItemRow {
  const { id, treeId, grantId, agent, position } = run;
  const view = runView(state, run, { purpose: null, requestedBy: null }, parseTime(time) ?? state.lastTime);
  const { status } = view;
  return { log, kind: 'run', id, position, updated, treeId, runId: id, grantId, agentClass: agent.class, status, view };
}

function grantRow(state: LogState, grant: GrantNode, { log, position: updated, time }: At): ItemRow {
  const { id, treeId, runId, position } = grant;
  const agentClass = state.runs.get(runId)?.agent.class;
  const now = parseTime(time) ?? state.lastTime;
  // the state drops ended grants; after that only the row has the counts
  const view = isOpen(grant.status) ? grantTerms(state, grant, now) : grantView(state, grant, now);
  return {
    log,
    kind: 'grant',
    id,
    position,
    updated,
    treeId,
    runId,
    grantId: id,
    agentClass,
    status: view.status,
    view,
  };
}

/**
 * Returns the rows of ended grants that count the outcome of a call that was in flight when they ended, or that a lease
 * below returns what was set aside for it.
 */
function stillCounted(state: LogState, event: Event): ItemRow[] {
  const returns = RETURNS.has(event.type) && state.grants.get(event.grantId ?? '')?.limits.budget.reserve;
  if (!OUTCOMES.has(event.type) && !returns) return [];
  const chain = chainOf(state, event.grantId ?? '') ?? [];
  const ended = chain.filter(({ id, status }) => !isOpen(status) && !(returns && id === event.grantId));
  return ended.map((grant) => grantRow(state, grant, event));
}

const RETURNS: ReadonlySet<Event['type']> = new Set([
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
] as const);

/** Returns the grant of an event, and its parent if that counts a new child. */
function touched(state: LogState, event: Event): GrantNode[] {
  const grant = state.grants.get(event.grantId ?? '');
  const parent = event.type === 'GrantIssued' ? state.grants.get(grant?.parentId ?? '') : undefined;
  return [grant, parent].filter((each) => each !== undefined);
}

/** The events of a grant that affect the grants below it. Raising a lease does not: only a live lease is raised. */
const REACHES_DOWN: readonly Event['type'][] = [
  'GrantSuspended',
  'GrantResumed',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];

/** Returns the grants whose liveness changed because of an ancestor or a rule (I2, I6). */
function affectedBelow(state: LogState, event: Event): GrantNode[] {
  if (event.type === 'SuspensionLifted' || (event.type === 'RevocationRuleAdded' && event.data.mode === 'suspend')) {
    const rule = state.rules.find(event.data.revocationId);
    if (!rule) return [];
    return state.order.filter((grant) =>
      chainFrom(state, grant).some((each) => isOpen(each.status) && isHeldBy(state, rule, each)),
    );
  }
  if (event.type === 'RevocationRuleAdded') {
    const { revocationId } = event.data;
    // the rows of a chain that has ended completely do not change, whether or not the state still contains it
    return state.order.filter((grant) =>
      chainFrom(state, grant).some((each) => isOpen(each.status) && struckBy(state, each) === revocationId),
    );
  }
  const grant = REACHES_DOWN.includes(event.type) ? state.grants.get(event.grantId ?? '') : undefined;
  if (!grant || grant.children === 0) return [];
  let first = grant;
  while (first.supersedes !== undefined) first = state.grants.get(first.supersedes) as GrantNode;
  const found: GrantNode[] = [];
  // a descendant of a lease was issued after the lease, or after the lease it was raised from
  for (let i = state.order.length - 1; i >= 0; i--) {
    const each = state.order[i] as GrantNode;
    if (each.position <= first.position) break;
    if (chainFrom(state, each).some(({ id }) => id === grant.id)) found.push(each);
  }
  return found;
}

/** Returns the chain of exactly this grant, not of the one that superseded it; its view is derived from this chain. */
function chainFrom(state: LogState, grant: GrantNode): GrantNode[] {
  return [grant, ...(grant.parentId === undefined ? [] : (chainOf(state, grant.parentId) ?? []))];
}

type Base = Pick<ItemRow, 'log' | 'updated' | 'treeId' | 'runId' | 'grantId' | 'agentClass'>;

const baseOf = (state: LogState, event: Pick<Event, 'log' | 'position' | 'treeId' | 'runId' | 'grantId'>): Base => ({
  log: event.log,
  updated: event.position,
  treeId: event.treeId,
  runId: event.runId,
  grantId: event.grantId,
  agentClass: state.runs.get(event.runId ?? '')?.agent.class,
});

function approvalItems(state: LogState, event: Event): ItemRow[] {
  const id =
    event.type === 'ApprovalRequested' ||
    event.type === 'ApprovalAnswered' ||
    event.type === 'ApprovalGiven' ||
    event.type === 'ApprovalWithdrawn' ||
    event.type === 'ApprovalExpired'
      ? event.data.approvalId
      : event.type === 'ActionPermitted' || event.type === 'GrantIssued'
        ? event.data.approvalId
        : undefined;
  const named = id === undefined ? undefined : state.approvals.get(id);
  return [
    ...(named ? [approvalRow(state, named, event, event.grantId)] : []),
    ...revokedBy(state, event).map((approval) => approvalRow(state, approval, event, approval.grantId)),
  ];
}

/** Returns the row of the lease that counts a child whose first lease is requested or refused. */
function waitingChild(state: LogState, event: Event): ItemRow[] {
  if (event.type !== 'ApprovalRequested' && event.type !== 'ApprovalGiven' && event.type !== 'ApprovalExpired')
    return [];
  const { kind, parentId } = state.approvals.get(event.data.approvalId) ?? {};
  const parent = kind === 'grant' && parentId !== undefined ? current(state, parentId) : undefined;
  return parent ? [grantRow(state, parent, event)] : [];
}

/** Returns the pending requests that an event revokes. */
function revokedBy(state: LogState, event: Event): ApprovalNode[] {
  if (event.type !== 'RevocationRuleAdded' && event.type !== 'GrantRevoked') return [];
  const { revocationId } = event.data;
  const now = parseTime(event.time) ?? state.lastTime;
  return [...state.waiting.since(0)].filter(
    (approval) => revokedRequest(state, approval, now)?.revocationId === revocationId,
  );
}

/** @param ofGrant the grant to index the row by */
function approvalRow(
  state: LogState,
  approval: ApprovalNode,
  event: At & Pick<Event, 'runId'>,
  ofGrant: string | undefined,
): ItemRow {
  const { id, kind, risk, by, actionId, grantId, runId, treeId, position } = approval;
  const status = approvalStatus(state, approval, parseTime(event.time) ?? state.lastTime);
  return {
    log: event.log,
    updated: event.position,
    treeId,
    runId,
    grantId: ofGrant,
    agentClass: state.runs.get(event.runId ?? runId)?.agent.class,
    kind: 'approval',
    id,
    position,
    status,
    view: { id, kind, status, risk, decidedBy: by, actionId, grantId, runId, treeId, position },
  };
}

function driftItem(state: LogState, event: Event): ItemRow[] {
  if (event.type !== 'DriftScored') return [];
  const { score, features, monitor } = event.data;
  return [
    {
      ...baseOf(state, event),
      kind: 'drift',
      id: String(event.position),
      position: event.position,
      status: 'scored',
      view: { actionId: event.actionId, score, features, monitor, time: event.time, position: event.position },
    },
  ];
}

/**
 * Returns the consequences of a revocation, one row per grant it stopped and per run it stopped that had no grant; for a
 * rule that denies a tool, one row per grant that lost the tool. Call it BEFORE folding the event.
 */
export function consequencesOf(state: LogState, event: Event): ConsequenceRow[] {
  if (event.type !== 'RevocationRuleAdded' && event.type !== 'GrantRevoked') return [];
  const now = parseTime(event.time) ?? state.lastTime;
  const reach = reachOf(state, event, now);
  const grants = state.order.filter((grant) => reach.grant(grant));
  const inFlight = byRun([...state.actions.values()].filter((action) => reach.action(action)));
  const pending = byRun([...state.waiting.since(0)].filter((approval) => reach.approval(approval)));
  const row = (id: string, runId: string): ConsequenceRow => ({
    log: event.log,
    revocationId: event.data.revocationId,
    grantId: id,
    runId,
    agentClass: state.runs.get(runId)?.agent.class ?? '',
    inFlight: inFlight.get(runId)?.length ?? 0,
    pendingApprovals: pending.get(runId)?.length ?? 0,
    reservedCost: reserved(inFlight.get(runId) ?? []),
    position: event.position,
  });
  const runs = new Set(grants.map(({ runId }) => runId));
  const alone = [...pending].filter(([runId]) => !runs.has(runId)); // a run without a grant, or a request to raise one
  return [
    ...grants.map(({ id, runId }) => row(id, runId)),
    ...alone.map(([runId, asked]) => row((asked[0] as ApprovalNode).id, runId)),
  ];
}

interface Reaches {
  grant(grant: GrantNode): boolean;
  action(action: ActionNode): boolean;
  approval(approval: ApprovalNode): boolean;
}

function reachOf(
  state: LogState,
  event: EventOf<'RevocationRuleAdded'> | EventOf<'GrantRevoked'>,
  now: number,
): Reaches {
  if (event.type === 'RevocationRuleAdded') {
    const reach = new Reach(state, event.data, now, event.position);
    return {
      grant: (grant) => counts(reach.grant(grant), reach.target),
      action: (action) => counts(reach.action(action), reach.target),
      approval: (approval) => counts(reach.approval(approval), reach.target),
    };
  }
  const below = (id: string | undefined): boolean =>
    id !== undefined &&
    (chainOf(state, id) ?? []).some((each) => each.id === event.grantId) &&
    couldContinue(state, id, now);
  return {
    grant: (grant) => grant.supersededBy === undefined && below(grant.id),
    action: ({ grantId }) => below(grantId),
    approval: ({ supersedes, grantId, parentId }) => below(supersedes ?? grantId ?? parentId),
  };
}

/** Reports whether a grant is live or may be resumed; a revocation stops no others. */
function couldContinue(state: LogState, id: string, now: number): boolean {
  const blocked = (chainOf(state, id) ?? []).map((each) => blockedItself(state, each, now));
  return blocked.every((each) => each === undefined || each.status === 'suspended');
}

function byRun<T extends { readonly runId: string }>(all: readonly T[]): Map<string, T[]> {
  const runs = new Map<string, T[]>();
  for (const each of all) {
    const known = runs.get(each.runId);
    if (known) known.push(each);
    else runs.set(each.runId, [each]);
  }
  return runs;
}

function reserved(inFlight: readonly ActionNode[]): Record<string, number> {
  const cost: Record<string, number> = {};
  for (const { charge } of inFlight)
    for (const [currency, value] of Object.entries(charge.cost)) cost[currency] = (cost[currency] ?? 0) + value;
  return cost;
}
