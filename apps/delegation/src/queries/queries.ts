import { readBody } from '@bailiwick/authority/state/set-aside';
import { clip } from '@bailiwick/authority/presentation/text';
import { whyUnreadable } from '@bailiwick/contracts/events/event';
import { authorize } from '@bailiwick/authority/commands/actions/authorize-action';
import { selectorFault } from '@bailiwick/authority/revocation/selector-fault';
import { levelsBelow } from '@bailiwick/authority/state/branch';
import { heldUp } from '@bailiwick/authority/commands/set-aside';
import type { Rules } from '@bailiwick/authority/commands/types';
import { settledOf, type LogState } from '@bailiwick/authority/state/state';
import { authorize as authorizeSchema, type Answer } from '@bailiwick/contracts/commands/command';
import { query as querySchema, type BranchView, type Query } from '@bailiwick/contracts/queries/query';
import type { Payloads } from '@bailiwick/event-store/payloads';
import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError, SerialQueue } from '@bailiwick/platform/serial-queue';
import { leaves } from '@bailiwick/authority/presentation/leaves';
import { showLive } from '@bailiwick/authority/presentation/live-leases';
import { showPermissions } from '@bailiwick/authority/presentation/permissions';
import { showPolicy, showVersions } from '@bailiwick/authority/presentation/policies';
import { showBudgets } from '@bailiwick/authority/presentation/tenant-budgets';
import { VIEWERS, showApprovals, type Viewer } from '@bailiwick/authority/presentation/viewers';
import { previewErasure } from '../erasure/erasing';
import type { LogOwner } from '../log-owner/owner';
import type { OwnerLog } from '../log-owner/ports';
import { approvalsPage } from './approvals-page';
import { candidates } from './candidates';
import { liveDigest } from './live-digest';

const found = (value: unknown): Answer => ({ ok: true, value });
const missing = (what: string, id: string): Answer => ({
  ok: false,
  refusal: { code: 'NOT_FOUND', detail: `${what.charAt(0).toUpperCase()}${what.slice(1)} ${id} not found.` },
});

/**
 * Answers a query about the live state. Reads only committed state, then the texts in payloads. Changes nothing.
 */
export async function ask(
  owner: LogOwner,
  eventlog: OwnerLog,
  rules: Rules,
  raw: unknown,
  payloads: Payloads,
): Promise<Answer> {
  const parsed = querySchema.safeParse(raw);
  if (!parsed.success)
    return {
      ok: false,
      refusal: { code: 'BAD_REQUEST', detail: parsed.error.issues[0]?.message ?? 'malformed query' },
    };
  const query = parsed.data;
  switch (query.op) {
    case 'run':
    case 'grant':
    case 'tree':
    case 'approval':
      return view(owner, eventlog, query);
    case 'approvals':
      return approvals(owner, eventlog, query);
    case 'branch':
      return owner.read((state) => {
        const runId = state.grants.get(query.of)?.runId ?? query.of;
        return found({ below: levelsBelow(state, query.runId, runId) ?? null } satisfies BranchView);
      });
    case 'permissions':
      return owner.read((state, now) => {
        const permissions = showPermissions(state, query.runId, now);
        return permissions ? found(permissions) : missing('run', query.runId);
      });
    case 'action':
      return owner.read((state) => {
        const action = state.actions.get(query.id);
        const settled = settledOf(state, query.id);
        if (action)
          return found({
            id: action.id,
            status: 'permitted',
            runId: action.runId,
            grantId: action.grantId,
            position: action.position,
          });
        return settled
          ? found({
              id: query.id,
              status: settled.status,
              runId: settled.runId,
              position: settled.position,
              latePosition: settled.latePosition,
            })
          : missing('action', query.id);
      });
    case 'preview': {
      const fault = selectorFault(query.selector);
      return fault ? { ok: false, refusal: fault } : busyRefused(async () => found(await owner.preview(query)));
    }
    case 'reaches': {
      const fault = selectorFault(query.selector);
      if (fault) return { ok: false, refusal: fault };
      return busyRefused(async () => found({ reaches: await owner.reaches(query) }));
    }
    case 'tenantBudgets':
      return budgets(owner, eventlog, query);
    case 'policies': {
      const { limit = LIMITS.policy.versionsPageDefault, before } = query;
      return owner.read((state) => found(showVersions(state, limit, before)));
    }
    case 'policy':
      return policy(owner, eventlog, query);
    case 'unreadable':
      return unreadable(owner, eventlog);
    case 'import': // not about the state: `QueriesService` handles them
    case 'proof':
      return missing('query', query.op);
    case 'erasure':
      return found(await previewErasure(owner, payloads, query.log, query.subjectRef));
    case 'leases':
    case 'principals':
    case 'subjectTypes':
    case 'verbs':
      return candidates(owner, rules, query);
    case 'dryRun':
      return dryRun(owner, rules, query.command);
    case 'stateDigest':
      return found(await liveDigest(owner));
    case 'head':
      return owner.read((state) => found({ position: state.next }));
    case 'live':
      return owner.read((state, now) => found(showLive(state, query.grantIds, now)));
  }
}

/** Lists the tenant budgets, or the one of a name. Texts are read after the state. */
async function budgets(
  owner: LogOwner,
  eventlog: OwnerLog,
  { name }: Extract<Query, { op: 'tenantBudgets' }>,
): Promise<Answer> {
  const items = await owner.read((state, now) => showBudgets(eventlog, state, name, now));
  return name !== undefined && items.length === 0 ? missing('tenant budget', name) : found({ items });
}

/** Returns a policy with its bundle. The events of an earlier one are read after the state. */
async function policy(
  owner: LogOwner,
  eventlog: OwnerLog,
  { version }: Extract<Query, { op: 'policy' }>,
): Promise<Answer> {
  const shown = await owner.read((state) => showPolicy(eventlog, state, version));
  return shown ? found(shown) : missing('policy version', String(version));
}

/** Lists the unreadable events, for an operator to examine. */
async function unreadable(owner: LogOwner, eventlog: OwnerLog): Promise<Answer> {
  const { log, nodes } = await owner.read((state) => ({ log: state.log, nodes: [...state.unreadable.values()] }));
  const shown = nodes.slice(0, LIMITS.unreadableShown);
  const stored = await eventlog.at(
    log,
    shown.map(({ position }) => position),
  );
  const items = shown.map(({ position, treeId, bodyDigest }) => {
    const body = stored.find((each) => each.position === position)?.body ?? '';
    const read = readBody(body);
    return {
      position,
      holdsUp: treeId === undefined ? 'log' : 'tree',
      ...(treeId === undefined ? {} : { treeId }),
      bodyDigest,
      why: read.ok ? 'it does not follow from the events before it' : clip(whyUnreadable(read.error), 1_000),
      body: clip(body, LIMITS.textLength),
    };
  });
  return found({ log, items });
}

/** Returns the view of a run, grant, tree or approval by its ID. Texts are read after the state. */
async function view(
  owner: LogOwner,
  eventlog: OwnerLog,
  { op, id }: { op: keyof typeof VIEWERS; id: string },
): Promise<Answer> {
  const viewOf: Viewer<unknown> = VIEWERS[op];
  const value = await owner.read((state, now) => viewOf(eventlog, state, id, now));
  return value === undefined ? missing(op, id) : found(value);
}

/** One list per log at a time, so that the texts of one tenant's approvals take a small part of the database's capacity. */
const queues = new WeakMap<LogOwner, SerialQueue>();

async function approvals(
  owner: LogOwner,
  eventlog: OwnerLog,
  query: Extract<Query, { op: 'approvals' }>,
): Promise<Answer> {
  const turns =
    queues.get(owner) ??
    new SerialQueue('the pending approvals are being listed', LIMITS.pendingWaiting, LIMITS.pendingWaitMs);
  queues.set(owner, turns);
  return busyRefused(() =>
    turns.take(async () => {
      const { page, next } = await owner.read((state, now) => {
        const { approvals: nodes, next } = approvalsPage(state, query, now);
        // wrapped, so that `read` does not wait for the texts: the state is read synchronously
        return { page: { items: showApprovals(eventlog, state, nodes, now) }, next };
      });
      return found({ items: await page.items, next });
    }),
  );
}

/** SerialQueue `QueueFullError` into a refusal that asks for a retry. */
async function busyRefused(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof QueueFullError) return { ok: false, refusal: { code: 'TOO_MANY', detail: error.message } };
    throw error;
  }
}

/** Computes the decision on an action as of now. Charges, writes and remembers nothing. */
function dryRun(owner: LogOwner, rules: Rules, raw: unknown): Promise<Answer> {
  const parsed = authorizeSchema.safeParse(raw);
  if (!parsed.success)
    return Promise.resolve({
      ok: false,
      refusal: { code: 'BAD_REQUEST', detail: parsed.error.issues[0]?.message ?? 'malformed' },
    });
  return owner.read((state: LogState, now): Answer => {
    const held = heldUp(state, parsed.data, state.grants.get(parsed.data.grantId)?.treeId);
    if (held) return { ok: false, refusal: held };
    const decided = authorize(state, parsed.data, now, rules);
    if (!decided.ok) return { ok: false, refusal: decided.error };
    for (const event of decided.value) {
      if (event.type === 'ActionPermitted') {
        const { obligations } = event.data;
        return found({ decision: 'permit', reasons: [], ...(obligations === undefined ? {} : { obligations }) });
      }
      if (event.type === 'ActionDenied') return found({ decision: 'deny', reasons: leaves(event.data.reasons) });
      if (event.type === 'ActionStepUp') return found({ decision: 'step-up', reasons: leaves(event.data.reasons) });
    }
    return found({ decision: 'deny', reasons: [] });
  });
}
