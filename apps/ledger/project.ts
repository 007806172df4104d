import { struckSince } from '#authority/decide/revoke';
import { chainOf, type GrantNode, type LogState } from '#authority/state';
import { grantView, runView } from '#authority/views';
import type { Event, EventOf } from '#contracts/event';
import { parseTime } from '#kernel/clock';
import type { ConsequenceRow, ItemRow } from './store';

/**
 * The rows that an event makes or changes, from the event and the state it led to. A function of the log alone: a
 * rebuild gives the same rows.
 */
export function itemsOf(state: LogState, event: Event): ItemRow[] {
  const rows: ItemRow[] = [];
  const now = parseTime(event.time) ?? state.lastTime;
  const run = event.runId === undefined ? undefined : state.runs.get(event.runId);
  const base = {
    log: event.log,
    updated: event.position,
    treeId: event.treeId,
    runId: event.runId,
    grantId: event.grantId,
    agentClass: run?.agent.class,
  };
  if (run) {
    const view = runView(state, run, { purpose: null, requestedBy: null }, now);
    rows.push({
      ...base,
      kind: 'run',
      id: run.id,
      position: run.position,
      grantId: run.grantId,
      status: view.status,
      view,
    });
  }
  for (const grant of touched(state, event)) {
    const view = grantView(state, grant, now);
    const owner = state.runs.get(grant.runId);
    rows.push({
      ...base,
      kind: 'grant',
      id: grant.id,
      grantId: grant.id,
      runId: grant.runId,
      agentClass: owner?.agent.class,
      position: grant.position,
      status: view.status,
      view,
    });
  }
  return [...rows, ...actionItem(event, base), ...approvalItem(state, event, base), ...driftItem(event, base)];
}

/** The grant named, and those above it that a charge changed. */
function touched(state: LogState, event: Event): GrantNode[] {
  if (event.grantId === undefined) return [];
  if (/^Action(Permitted|Completed|Failed|Abandoned)$/.test(event.type)) return chainOf(state, event.grantId) ?? [];
  const grant = state.grants.get(event.grantId);
  const parent =
    event.type === 'GrantIssued' && grant?.parentId !== undefined ? state.grants.get(grant.parentId) : undefined;
  return [grant, parent].filter((each) => each !== undefined);
}

type Base = Pick<ItemRow, 'log' | 'updated' | 'treeId' | 'runId' | 'grantId' | 'agentClass'>;
const DECIDED: Partial<Record<Event['type'], string>> = {
  ActionPermitted: 'permitted',
  ActionDenied: 'denied',
  ActionStepUp: 'stepped-up',
};
const SETTLED: Partial<Record<Event['type'], string>> = {
  ActionCompleted: 'completed',
  ActionFailed: 'failed',
  ActionAbandoned: 'abandoned',
};

function actionItem(event: Event, base: Base): ItemRow[] {
  const id = event.actionId;
  if (id === undefined) return [];
  const status = DECIDED[event.type] ?? SETTLED[event.type];
  if (status === undefined) return [];
  const settled = SETTLED[event.type] !== undefined;
  // an outcome keeps the decision's row and adds its own part; the reader joins them
  const kind = 'action' as const;
  const data = event.data as EventOf<'ActionPermitted'>['data'];
  if (settled)
    return [
      {
        ...base,
        kind,
        id: `${id}/outcome`,
        position: event.position,
        status,
        view: { actionId: id, outcome: status, position: event.position, time: event.time, ...(event.data as object) },
      },
    ];
  const view = {
    id,
    grantId: event.grantId,
    runId: event.runId,
    treeId: event.treeId,
    verb: data.verb,
    tool: data.tool,
    resource: data.resource,
    effect: data.effect,
    risk: data.risk,
    decision: status,
    labels: data.labels,
    reasons: data.reasons,
    cost: data.charge.cost,
    time: event.time,
    position: event.position,
  };
  return [{ ...base, kind, id, position: event.position, status, view }];
}

function approvalItem(state: LogState, event: Event, base: Base): ItemRow[] {
  const id =
    event.type === 'ApprovalRequested' || event.type === 'ApprovalGiven' || event.type === 'ApprovalExpired'
      ? event.data.approvalId
      : event.type === 'ActionPermitted' || event.type === 'GrantIssued'
        ? event.data.approvalId
        : undefined;
  const approval = id === undefined ? undefined : state.approvals.get(id);
  if (!approval) return [];
  const { status, kind, risk, by, actionId, grantId, runId, treeId } = approval;
  return [
    {
      ...base,
      kind: 'approval',
      id: approval.id,
      position: approval.position,
      status,
      runId,
      view: {
        id: approval.id,
        kind,
        status,
        risk,
        decidedBy: by,
        actionId,
        grantId,
        runId,
        treeId,
        position: approval.position,
      },
    },
  ];
}

function driftItem(event: Event, base: Base): ItemRow[] {
  if (event.type !== 'DriftScored') return [];
  const { score, features, monitor } = event.data;
  return [
    {
      ...base,
      kind: 'drift',
      id: String(event.position),
      position: event.position,
      status: 'scored',
      view: { actionId: event.actionId, score, features, monitor, time: event.time, position: event.position },
    },
  ];
}

/** What a revocation stopped, one line a grant: derived afterwards, for the record. Asked BEFORE the event is folded. */
export function consequencesOf(state: LogState, event: Event): ConsequenceRow[] {
  const now = parseTime(event.time) ?? state.lastTime;
  if (event.type === 'RevocationRuleAdded')
    return struckSince(state, event.data.selector, 0, now).map((grant) =>
      consequence(state, event, event.data.revocationId, grant),
    );
  if (event.type !== 'GrantRevoked') return [];
  const root = event.grantId;
  const below = state.order.filter(
    (grant) => (chainOf(state, grant.id) ?? []).some((each) => each.id === root) && grant.status === 'active',
  );
  return below.map((grant) => consequence(state, event, event.data.revocationId, grant));
}

function consequence(state: LogState, event: Event, revocationId: string, grant: GrantNode): ConsequenceRow {
  const inFlight = [...state.actions.values()].filter((action) => action.runId === grant.runId);
  const reservedCost: Record<string, number> = {};
  for (const action of inFlight)
    for (const [currency, value] of Object.entries(action.charge.cost))
      reservedCost[currency] = (reservedCost[currency] ?? 0) + value;
  return {
    log: event.log,
    revocationId,
    grantId: grant.id,
    runId: grant.runId,
    agentClass: state.runs.get(grant.runId)?.agent.class ?? '',
    inFlight: inFlight.length,
    pendingApprovals: state.runs.get(grant.runId)?.pendingApprovals ?? 0,
    reservedCost,
    position: event.position,
  };
}
