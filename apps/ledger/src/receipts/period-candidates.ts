import type { ApprovalNode, GrantNode, LogState, RunNode } from '@bailiwick/authority/state/state';
import type { EventType } from '@bailiwick/contracts/events/event';
import type { Period } from '@bailiwick/contracts/receipts/receipt';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { OF_ANCESTORS, OF_CHILDREN } from '@bailiwick/receipts/select';
import type { LogLedger } from '../follower/log-ledger';
import { findState } from '../search/find-by-id';
import { lastAt } from '../search/position-at';
import { Candidates, runsAbove, runsOf, subjectsOf, type From, type Kept } from './candidates';

// Collects the events for a receipt about a period of a run without reading the rest of the run: the events in the period,
// and what the state of the log locates of the earlier ones.

const STOPS: readonly EventType[] = [
  'GrantSuperseded',
  'GrantNarrowed',
  'GrantSuspended',
  'GrantResumed',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];
const APPROVALS: readonly EventType[] = [
  'ApprovalRequested',
  'ApprovalAnswered',
  'ApprovalGiven',
  'ApprovalWithdrawn',
  'ApprovalExpired',
];
const OUTCOMES: readonly string[] = ['ActionCompleted', 'ActionFailed', 'ActionAbandoned'] satisfies EventType[];
const OF_ACTIONS: readonly EventType[] = ['ActionPermitted', 'ActionCalled', 'ActionCompleted', 'ActionFailed'];

/** How long before an event an action without an outcome may have been permitted: later, it would be abandoned. */
const IN_FLIGHT_MS = LIMITS.permitMs + LIMITS.outcomeMs + 60 * 60_000;
/** The same for the approval of an action that is in flight or reported late. */
const APPROVED_MS = IN_FLIGHT_MS + LIMITS.lateOutcomeMs + LIMITS.approvedUseMs;

/** The positions of a period: `first` is in it, `next` after it. */
interface Range {
  readonly first: number;
  readonly next: number;
}

/** What the state knows of a run, read before the first await: the state may drop it during one. */
interface Known {
  readonly run: RunNode;
  readonly line: readonly RunNode[];
  readonly children: ReadonlyMap<string, RunNode>;
  readonly grants: readonly GrantNode[];
  readonly approvals: readonly ApprovalNode[];
  /** ids of the actions without an outcome */
  readonly open: readonly string[];
  /** whether a lease was or is renewable */
  readonly isRenewable: (grant: GrantNode) => boolean;
}

/** Returns the events that may be relevant to a period of a run; undefined if the run does not exist. */
export async function aboutPeriodOf(
  ledger: LogLedger,
  from: From,
  runId: string,
  period: Period,
): Promise<Kept[] | undefined> {
  const state = await findState(ledger, from, 'run', runId);
  const run = state?.runs.get(runId);
  if (!state || !run) return undefined;
  const [start, end] = [parseTime(period.from), parseTime(period.until)] as [number, number];
  const known = knownOf(state, run);
  const isStill = ({ endedAt }: RunNode): boolean => endedAt === undefined || endedAt >= start;
  const subjects = subjectsOf(state, [...known.line, ...[...known.children.values()].filter(isStill)]);
  const candidates = new Candidates(from.eventlog, state, from.most);
  const { log } = state;
  const first = (await lastAt(from.eventlog, log, ledger.position, start - 1)) + 1;
  const range: Range = { first, next: (await lastAt(from.eventlog, log, ledger.position, end - 1)) + 1 };
  await candidates.whole(run.treeId);
  const { unpermitted, changed } = await during(candidates, known, range);
  await leases(candidates, known, range);
  await childrenOf(candidates, known, range, (each) => isStill(each) || changed.has(each.id));
  await candidates.at(approvalPositions(known, start, first));
  const [last] = first === 0 ? [] : await from.eventlog.at(log, [first - 1]);
  const back = last ? await lastAt(from.eventlog, log, first, (parseTime(last.time) as number) - IN_FLIGHT_MS) : -1;
  const earliest = await inFlight(candidates, known, { range, back, unpermitted });
  await renewals(candidates, known, { first, earliest });
  await candidates.rules(subjects);
  return await candidates.events();
}

function knownOf(state: LogState, run: RunNode): Known {
  const { treeId } = run;
  const line = [run, ...runsAbove(state, run)];
  const children = new Map(
    runsOf(state, treeId).flatMap((each) => (each.parentRunId === run.id ? [[each.id, each]] : [])),
  );
  const ids = new Set(line.map(({ id }) => id));
  const { grants = [], approvals = [] } = state.trees.get(treeId) ?? {};
  const { narrowed } = state;
  return {
    run,
    line,
    children,
    grants: grants.filter(({ runId }) => ids.has(runId) || children.has(runId)),
    approvals: approvals.filter(({ kind, runId }) => ids.has(runId) || (kind === 'grant' && children.has(runId))),
    open: [...state.actions.values()].flatMap(({ id, runId }) => (runId === run.id ? [id] : [])),
    isRenewable: ({ id, limits }) => limits.time.renewUntil !== undefined || narrowed.has(id),
  };
}

/** Members of a stored body, as its writer stated them. */
const bodyOf = ({ body }: StoredEvent): { type?: string; runId?: string; actionId?: string } =>
  JSON.parse(body) as object;

/**
 * Adds the events in the period of the run, the runs above it, and its children.
 * @returns actions that have an outcome or a late report in it and no permit, and the children with events in it
 */
async function during(
  candidates: Candidates,
  { run, line, children }: Known,
  { first, next }: Range,
): Promise<{ unpermitted: Set<string>; changed: Set<string> }> {
  const span = { treeId: run.treeId, after: first - 1, before: next };
  const permitted = new Set<string>();
  const reported = new Set<string>();
  await candidates.search({ ...span, runId: run.id }, (stored) => {
    const { type = '', actionId } = bodyOf(stored);
    if (actionId === undefined) return true;
    if (type === 'ActionPermitted') permitted.add(actionId);
    if (OUTCOMES.includes(type) || type === 'OutcomeReportedLate') reported.add(actionId);
    return true;
  });
  for (const { id } of line.slice(1)) await candidates.search({ ...span, runId: id, type: OF_ANCESTORS });
  const changed = new Set<string>();
  if (children.size > 0)
    await candidates.search({ ...span, type: [...OF_CHILDREN, ...APPROVALS] }, (stored) => {
      const { runId = '' } = bodyOf(stored);
      if (children.has(runId)) changed.add(runId);
      return children.has(runId);
    });
  return { unpermitted: new Set([...reported].filter((id) => !permitted.has(id))), changed };
}

/** Adds the leases of the run and above it at the start of the period, without renewals. */
async function leases(candidates: Candidates, { run, line, grants }: Known, { first }: Range): Promise<void> {
  for (const { id, position } of line) {
    const issued = grants.filter(({ runId }) => runId === id).map((grant) => grant.position);
    await candidates.at([position, ...issued].filter((each) => each < first));
    await candidates.search({ treeId: run.treeId, runId: id, type: STOPS, before: first });
  }
}

/** Adds the earlier events of the children that had not ended when the period started, or that changed in it. */
async function childrenOf(
  candidates: Candidates,
  { run, children, grants }: Known,
  { first, next }: Range,
  isPart: (child: RunNode) => boolean,
): Promise<void> {
  const chosen = new Map([...children].filter(([, child]) => child.position < next && isPart(child)));
  const earlier = [...chosen.values()].map(({ position }) => position).filter((position) => position < first);
  if (earlier.length === 0) return;
  const issued = grants.filter(({ runId }) => chosen.has(runId)).map(({ position }) => position);
  await candidates.at([...earlier, ...issued.filter((position) => position < first)]);
  const oldest = earlier.reduce((least, position) => Math.min(least, position));
  await candidates.search({ treeId: run.treeId, type: STOPS, after: oldest, before: first }, (stored) =>
    chosen.has(bodyOf(stored).runId ?? ''),
  );
}

/** Returns the positions of the earlier approvals that leases or calls may rest on, or that were pending. */
function approvalPositions({ approvals }: Known, start: number, first: number): number[] {
  const isPart = ({ kind, status, decidedAt, decidedPosition }: ApprovalNode): boolean =>
    decidedPosition === undefined ||
    decidedPosition >= first ||
    (kind !== 'action' && (status === 'approved' || status === 'used')) ||
    (decidedAt ?? start) >= start - APPROVED_MS;
  return approvals
    .filter(isPart)
    .flatMap(({ position, decidedPosition = first }) => [position, decidedPosition])
    .filter((position) => position < first);
}

/**
 * Adds the permits before the period that had no outcome when it started, or whose action is reported in it.
 * @returns the position of the oldest of them; Infinity if there are none
 */
async function inFlight(
  candidates: Candidates,
  { run, open }: Known,
  { range: { first, next }, back, unpermitted }: { range: Range; back: number; unpermitted: ReadonlySet<string> },
): Promise<number> {
  const { treeId } = run;
  const found = new Map<string, StoredEvent[]>();
  const add = (actionId: string, stored: StoredEvent): void =>
    void found.set(actionId, [...(found.get(actionId) ?? []), stored]);
  const types = [...OF_ACTIONS, 'ActionAbandoned'];
  await candidates.search({ treeId, runId: run.id, type: types, after: back, before: first }, (stored) => {
    const { type = '', actionId = '' } = bodyOf(stored);
    if (OUTCOMES.includes(type)) found.delete(actionId);
    else if (type === 'ActionPermitted' || found.has(actionId)) add(actionId, stored);
    return false;
  });
  for (const actionId of new Set([...unpermitted, ...open])) {
    if (found.has(actionId)) continue;
    await candidates.search({ actionId, before: Math.min(first, next) }, (stored) => {
      add(actionId, stored);
      return false;
    });
  }
  const all = [...found.values()].flat();
  candidates.add(all);
  return all.reduce((least, { position }) => Math.min(least, position), Infinity);
}

/** Adds the last renewal of each lease before the period, and those since the last one before the oldest permit. */
async function renewals(
  candidates: Candidates,
  { run, line, grants, isRenewable }: Known,
  { first, earliest }: { first: number; earliest: number },
): Promise<void> {
  const ids = new Set(line.map(({ id }) => id));
  const before = Math.min(first, earliest);
  for (const grant of grants) {
    if (!ids.has(grant.runId) || grant.position >= first || !isRenewable(grant)) continue;
    const of = { treeId: run.treeId, grantId: grant.id, type: 'GrantRenewed' };
    await candidates.newest({ ...of, after: grant.position, before });
    if (before < first) await candidates.search({ ...of, after: before - 1, before: first });
  }
}
