import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { REPORT_OUTCOME } from '@bailiwick/contracts/obligations/obligation';
import type { PolicyDeployedAnswer } from '@bailiwick/contracts/policy/deployment';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { rfc3339 } from '@bailiwick/core/clock';
import type { GrantNode, LogState } from '../state/state';
import { nothing } from '../state/usage';
import { usedUp, type RunTexts } from './views';

/**
 * The texts that a response needs in addition to events and state. They are stored in payloads; the caller loads them.
 */
export interface Words {
  run(runId: string): RunTexts;
  approval(approvalId: string): ApprovalView | undefined;
}

/**
 * Builds the response to a command from its events. It is the same for the first request and every retry, whatever
 * happened since: the state only provides immutable values, such as the agent of a run.
 */
export function answerOf(state: LogState, events: readonly Event[], words: Words): Answer {
  for (const event of events) {
    const teller = TELLERS[event.type] as
      ((state: LogState, event: Event, events: readonly Event[], words: Words) => Answer) | undefined;
    if (teller) return teller(state, event, events, words);
  }
  return { ok: true, value: { position: events[events.length - 1]?.position ?? state.next - 1 } };
}

/** Returns the runs and approvals whose texts a response needs, the approvals with their positions. */
export function wordsNeeded(events: readonly Event[]): { runs: string[]; approvals: { id: string; at: number }[] } {
  const needsTexts = events.some((event) => WORDY.has(event.type));
  const runs = needsTexts
    ? [...new Set(events.flatMap((event) => (event.runId === undefined ? [] : [event.runId])))]
    : [];
  const approvals = events.flatMap((event) =>
    event.type === 'ApprovalAnswered' ||
    event.type === 'ApprovalGiven' ||
    event.type === 'ApprovalWithdrawn' ||
    (event.type === 'ApprovalRequested' && event.data.kind !== 'action')
      ? [{ id: event.data.approvalId, at: event.position }]
      : [],
  );
  return { runs, approvals };
}
/** Reports whether a response to these events needs the state. Most do not: their events are sufficient. */
export const asksState = (events: readonly Event[]): boolean =>
  events.some(({ type }) => WORDY.has(type) || SWITCHES.has(type)) &&
  !events.some(({ type }) => type === 'ActionStepUp');
const SWITCHES = new Set<Event['type']>(['GrantSuspended', 'GrantResumed', 'GrantRenewed', 'GrantNarrowed']);
const WORDY = new Set<Event['type']>([
  'RunOpened',
  'RunCompleted',
  'ApprovalRequested',
  'ApprovalAnswered',
  'ApprovalGiven',
  'ApprovalWithdrawn',
]);

type Teller<T extends Event['type']> = (
  state: LogState,
  event: EventOf<T>,
  events: readonly Event[],
  words: Words,
) => Answer;
type Tellers = { [T in Event['type']]?: Teller<T> };

const TELLERS: Tellers = {
  Refused: (_state, { data }) => ({
    ok: false,
    refusal: { code: data.code, detail: data.detail, ...(data.reasons ? { reasons: data.reasons } : {}) },
  }),
  DelegationRefused: (_state, { data }) => ({
    ok: false,
    refusal: { code: data.code, detail: data.detail, reasons: data.reasons },
  }),

  RunOpened(state, event, events, words) {
    const issued = find(events, 'GrantIssued');
    const run = openedRun(event, issued, words.run(event.runId as string));
    if (issued) return { ok: true, value: { run, grant: issuedGrant(state, issued), position: issued.position } };
    const asked = find(events, 'ApprovalRequested');
    return {
      ok: true,
      value: { run, approval: asked && words.approval(asked.data.approvalId), position: asked?.position },
    };
  },

  ActionPermitted: (_state, event) =>
    decided(event, 'permit', event.data.expiresAt, undefined, event.data.outcomeUntil),
  ActionDenied: (_state, event) => decided(event, 'deny', event.time),
  // a step-up follows the approval request that it creates, if it creates one
  ApprovalRequested(state, event, events, words) {
    const stepUp = find(events, 'ActionStepUp');
    if (stepUp) return decided(stepUp, 'step-up', stepUp.data.expiresAt, stepUp.data.approvalId);
    const run = runAt(state, event, words, { status: 'active' });
    return { ok: true, value: { run, approval: words.approval(event.data.approvalId), position: event.position } };
  },
  ActionStepUp: (_state, event) => decided(event, 'step-up', event.data.expiresAt, event.data.approvalId),

  ActionCompleted: (_state, event) => settled(event, 'completed'),
  // the permit that a call continues under follows the end of the one before
  ActionFailed(state, event, events, words) {
    const next = find(events, 'ActionPermitted');
    return next
      ? (TELLERS.ActionPermitted as Teller<'ActionPermitted'>)(state, next, events, words)
      : settled(event, 'failed');
  },

  OutcomeReportedLate: (_state, { actionId, grantId, runId, position, data }) => ({
    ok: true,
    value: { action: { id: actionId, status: 'abandoned', late: data.status, grantId, runId }, position },
  }),

  RunCompleted: (state, event, _events, words) => ({
    ok: true,
    value: {
      run: runAt(state, event, words, {
        status: 'completed',
        endedAt: event.time,
        endReason: event.data.reason.says ?? event.data.reason.code,
      }),
      position: event.position,
    },
  }),

  ApprovalAnswered(_state, { data, position }, _events, words) {
    const { given, needed } = data;
    return { ok: true, value: { approval: { ...words.approval(data.approvalId), given, needed }, position } };
  },
  ApprovalWithdrawn: (_state, { data, position }, _events, words) => ({
    ok: true,
    value: { approval: words.approval(data.approvalId), position },
  }),
  ApprovalGiven(state, event, events, words) {
    const approval = words.approval(event.data.approvalId);
    const issued = find(events, 'GrantIssued');
    if (!issued) return { ok: true, value: { approval, position: event.position } };
    const { expiresAt } = issued.data.limits.time;
    const run = runAt(state, issued, words, { status: 'active', approvedBy: event.data.by, expiresAt });
    return { ok: true, value: { approval, run, grant: issuedGrant(state, issued), position: issued.position } };
  },

  GrantSuspended: (state, event) => switched(state, event, 'suspended'),
  GrantResumed: (state, event) => switched(state, event, 'active'),
  GrantRenewed(state, event) {
    const { limits, ...terms } = termsOf(state, event);
    const time = { ...limits.time, expiresAt: event.data.until };
    return {
      ok: true,
      value: {
        grant: { ...terms, limits: { ...limits, time } },
        parentRunId: state.runs.get(terms.runId)?.parentRunId,
        renewedAt: event.time,
        expiresAt: event.data.until,
        position: event.position,
      },
    };
  },
  GrantNarrowed(state, event, events) {
    const exhausted = find(events, 'GrantExhausted')?.data.caps;
    return {
      ok: true,
      value: {
        grant: { ...termsOf(state, event), limits: event.data.limits },
        ...(exhausted ? { exhausted } : {}),
        position: event.position,
      },
    };
  },
  GrantRevoked: (_state, event) => ({
    ok: true,
    value: { revocationId: event.data.revocationId, position: event.position },
  }),
  RevocationRuleAdded: (_state, event) => ({
    ok: true,
    value: { revocationId: event.data.revocationId, position: event.position },
  }),
  QuarantineLifted: (_state, event) => ({
    ok: true,
    value: { revocationId: event.data.revocationId, position: event.position },
  }),
  SuspensionLifted: (_state, event) => ({
    ok: true,
    value: { revocationId: event.data.revocationId, position: event.position },
  }),
  TenantBudgetSet: (_state, { data, position, time, actor }) => ({
    ok: true,
    value: { budget: { ...data, setBy: actor.id, setAt: time, position }, position },
  }),
  TenantBudgetRemoved: (_state, event) => ({ ok: true, value: { removed: event.data.name, position: event.position } }),
  PolicyDeployed: (_state, { data: { version, digest }, position }) => ({
    ok: true,
    value: { version, digest, position } satisfies PolicyDeployedAnswer,
  }),
  PolicyShadowed: (_state, { data: { version, digest, until }, position }) => ({
    ok: true,
    value: { version, digest, position, until } satisfies PolicyDeployedAnswer,
  }),
  PayloadsErased: (_state, event) => ({ ok: true, value: { erasure: event.data, position: event.position } }),
  EventSetAside: (_state, event) => ({ ok: true, value: { setAside: event.data, position: event.position } }),
  DriftScored: (_state, event) => ({ ok: true, value: { drift: event.data.score, position: event.position } }),
};

function find<T extends Event['type']>(events: readonly Event[], type: T): EventOf<T> | undefined {
  return events.find((event) => event.type === type) as EventOf<T> | undefined;
}

function decided(
  event: EventOf<'ActionPermitted'> | EventOf<'ActionDenied'> | EventOf<'ActionStepUp'>,
  decision: ActionAnswer['decision'],
  expiresAt: string,
  approvalId?: string,
  outcomeUntil?: string,
): Answer {
  const { reasons, remaining, least = remaining, policy } = event.data;
  return {
    ok: true,
    value: {
      decision,
      actionId: event.actionId as string,
      reasons,
      obligations: decision === 'permit' ? [REPORT_OUTCOME, ...(event.data.obligations ?? [])] : [],
      expiresAt,
      ...(outcomeUntil === undefined ? {} : { outcomeUntil }),
      ...(approvalId === undefined ? {} : { approvalId }),
      remaining: least,
      ...(policy === undefined ? {} : { policy }),
      position: event.position,
    } satisfies ActionAnswer,
  };
}

function settled(event: EventOf<'ActionCompleted'> | EventOf<'ActionFailed'>, status: string): Answer {
  const action = {
    id: event.actionId,
    status,
    grantId: event.grantId,
    runId: event.runId,
    cost: event.data.cost,
    ...(event.data.units ? { units: event.data.units } : {}),
    overrun: event.data.overrun ?? false,
    ...(event.data.findings ? { charged: event.data.charge.cost, findings: event.data.findings } : {}),
    ...(event.data.findings && event.data.units ? { chargedUnits: event.data.charge.units ?? {} } : {}),
  };
  return { ok: true, value: { action, position: event.position } };
}

function openedRun(event: EventOf<'RunOpened'>, issued: EventOf<'GrantIssued'> | undefined, texts: RunTexts): RunView {
  return {
    id: event.runId as string,
    treeId: event.treeId as string,
    parentRunId: event.data.parentRunId,
    agent: event.data.agent,
    requestedBy: texts.requestedBy,
    requestedByStatedBy: texts.requestedByStatedBy,
    purpose: texts.purpose,
    task: texts.task,
    startedAt: event.data.startedAt,
    expiresAt: issued?.data.limits.time.expiresAt,
    status: issued ? 'active' : 'pending',
    grantId: issued?.grantId,
  };
}

/**
 * Returns a grant as it was when it was issued. The members carried over from the superseded grant have not changed
 * since.
 */
function issuedGrant(state: LogState, event: EventOf<'GrantIssued'>): GrantView {
  const old = event.data.supersedes === undefined ? undefined : state.grants.get(event.data.supersedes);
  return {
    id: event.grantId as string,
    treeId: event.treeId as string,
    parentId: event.data.parentId,
    runId: event.runId as string,
    depth: event.data.depth,
    status: 'active',
    limits: event.data.limits,
    consumed: old ? usedUp(old) : nothing(),
    reserved: old ? structuredClone(old.usage.reserved) : nothing(),
    children: old?.children ?? 0,
    issuedAt: event.time,
    position: event.position,
  };
}

/** Returns an existing run as it was at an event: its immutable members, and those that the event states. */
function runAt(
  state: LogState,
  event: Event,
  words: Words,
  says: Pick<RunView, 'status'> & Partial<RunView>,
): RunView | undefined {
  const run = state.runs.get(event.runId as string);
  const grant = state.grants.get(event.grantId as string);
  const texts = words.run(event.runId as string);
  return (
    run && {
      id: run.id,
      treeId: run.treeId,
      parentRunId: run.parentRunId,
      agent: run.agent,
      requestedBy: texts.requestedBy,
      requestedByStatedBy: texts.requestedByStatedBy,
      purpose: texts.purpose,
      task: texts.task,
      startedAt: rfc3339(run.startedAt),
      expiresAt: grant && rfc3339(grant.expiresAt),
      grantId: event.grantId,
      ...says,
    }
  );
}

/** Returns the members of a grant that no usage changes, with its present limits. */
function termsOf(
  state: LogState,
  event: Event,
): Pick<GrantView, 'id' | 'treeId' | 'runId' | 'parentId' | 'depth' | 'limits'> {
  const { id, treeId, runId, parentId, depth, limits } = state.grants.get(event.grantId as string) as GrantNode;
  return { id, treeId, runId, parentId, depth, limits };
}

/** Returns the changed status only; the current usage of the grant is read with a query. */
function switched(state: LogState, event: Event, status: GrantNode['status']): Answer {
  const grant = state.grants.get(event.grantId as string) as GrantNode;
  const { id, treeId, runId, parentId, depth, limits } = grant;
  return {
    ok: true,
    value: { grant: { id, treeId, runId, parentId, depth, status, limits }, position: event.position },
  };
}
