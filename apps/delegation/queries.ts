import { authorize } from '#authority/decide/authorize';
import type { Rules } from '#authority/decide/types';
import type { ApprovalNode, LogState } from '#authority/state';
import { grantView, runView, treeMembers } from '#authority/views';
import { authorize as authorizeSchema, type Answer } from '#contracts/command';
import { query as querySchema, type Query } from '#contracts/query';
import type { Payloads } from '#eventlog/payloads';
import { LIMITS } from '#kernel/limits';
import { leaves } from './approval-view';
import { previewErasure } from './erasing';
import type { LogOwner } from './owner';
import type { OwnerLog } from './ports';
import { liveDigest } from './live-digest';
import { approvalWords, askedNow, runTexts } from './words';

const found = (value: unknown): Answer => ({ ok: true, value });
const missing = (what: string, id: string): Answer => ({
  ok: false,
  refusal: { code: 'NOT_FOUND', detail: `no ${what} ${id} is known here` },
});

/**
 * Answers a question about the live state. Reads the committed state only; the words in payloads are fetched after.
 * Changes nothing.
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
      return askRun(owner, eventlog, query.id);
    case 'grant':
      return owner.read((state, now) => {
        const grant = state.grants.get(query.id);
        return grant ? found(grantView(state, grant, now)) : missing('grant', query.id);
      });
    case 'tree':
      return askTree(owner, eventlog, query.id);
    case 'action':
      return owner.read((state) => {
        const action = state.actions.get(query.id);
        const settled = state.settled.get(query.id);
        if (action)
          return found({
            id: action.id,
            status: 'permitted',
            runId: action.runId,
            grantId: action.grantId,
            position: action.position,
          });
        return settled
          ? found({ id: query.id, status: settled.status, runId: settled.runId, position: settled.position })
          : missing('action', query.id);
      });
    case 'approval':
    case 'approvals':
      return askApprovals(owner, eventlog, query);
    case 'preview':
      return found(await owner.preview(query.selector));
    case 'import': // the log's own business, not its state's
      return missing('question', query.op);
    case 'erasure':
      return found(await previewErasure(owner, payloads, query.log, query.subjectRef));
    case 'dryRun':
      return dryRun(owner, rules, query.command);
    case 'stateDigest':
      return found(await liveDigest(owner));
    case 'head':
      return owner.read((state) => found({ position: state.next }));
  }
}

async function askRun(owner: LogOwner, eventlog: OwnerLog, id: string): Promise<Answer> {
  const read = await owner.read((state, now) => ({ state, now, run: state.runs.get(id) }));
  if (!read.run) return missing('run', id);
  const { state, now, run } = read;
  // the view is made at once, while nothing has been folded since; only its words come later
  const view = runView(state, run, { purpose: null, requestedBy: null }, now);
  const texts = (await runTexts(eventlog, state, [id])).get(id);
  return found({ ...view, ...texts });
}

async function askTree(owner: LogOwner, eventlog: OwnerLog, id: string): Promise<Answer> {
  const read = await owner.read((state, now) => {
    const tree = state.trees.get(id);
    if (!tree) return undefined;
    const { runs, grants } = treeMembers(state, tree);
    return {
      state,
      runs: runs.map((run) => runView(state, run, { purpose: null, requestedBy: null }, now)),
      grants: grants.map((grant) => grantView(state, grant, now)),
      labels: Object.keys(tree.labels),
      position: state.next - 1,
    };
  });
  if (!read) return missing('tree', id);
  const texts = await runTexts(
    eventlog,
    read.state,
    read.runs.map((run) => run.id),
  );
  const runs = read.runs.map((run) => ({ ...run, ...texts.get(run.id) }));
  return found({ id, log: read.state.log, position: read.position, runs, grants: read.grants, labels: read.labels });
}

async function askApprovals(
  owner: LogOwner,
  eventlog: OwnerLog,
  query: Extract<Query, { op: 'approval' | 'approvals' }>,
): Promise<Answer> {
  const read = await owner.read((state, now) => ({
    state,
    now,
    all: (query.op === 'approval'
      ? [state.approvals.get(query.id)].filter((node) => node !== undefined)
      : fairly(
          [...state.pendingByBinding.values()]
            .map((id) => state.approvals.get(id))
            .filter((node) => node !== undefined),
        ).slice(0, LIMITS.eventsPageMax)
    ).map((node) => askedNow(state, node)),
  }));
  const texts = await runTexts(eventlog, read.state, [...new Set(read.all.map(({ approval }) => approval.runId))]);
  const views = await Promise.all(
    read.all.map((asked) =>
      approvalWords(
        eventlog,
        read.state,
        asked,
        texts.get(asked.approval.runId) ?? { purpose: null, requestedBy: null },
        read.now,
      ),
    ),
  );
  if (query.op === 'approvals') return found({ items: views, next: null });
  return views[0] ? found(views[0]) : missing('approval', query.id);
}

/** The first of every run, then the second of every run …: a run that asks a hundred times hides nobody else. */
function fairly(nodes: readonly ApprovalNode[]): ApprovalNode[] {
  const turns = new Map<string, number>();
  const placed = nodes.map((node) => {
    const turn = (turns.get(node.runId) ?? 0) + 1;
    turns.set(node.runId, turn);
    return { node, turn };
  });
  return placed.sort((a, b) => a.turn - b.turn || a.node.position - b.node.position).map(({ node }) => node);
}

/** What the decision would be now. Nothing is charged, written or remembered. */
function dryRun(owner: LogOwner, rules: Rules, raw: unknown): Promise<Answer> {
  const parsed = authorizeSchema.safeParse(raw);
  if (!parsed.success)
    return Promise.resolve({
      ok: false,
      refusal: { code: 'BAD_REQUEST', detail: parsed.error.issues[0]?.message ?? 'malformed' },
    });
  return owner.read((state: LogState, now): Answer => {
    const decided = authorize(state, parsed.data, now, rules);
    if (!decided.ok) return { ok: false, refusal: decided.error };
    for (const event of decided.value) {
      if (event.type === 'ActionPermitted') return found({ decision: 'permit', reasons: [] });
      if (event.type === 'ActionDenied') return found({ decision: 'deny', reasons: leaves(event.data.reasons) });
      if (event.type === 'ActionStepUp') return found({ decision: 'step-up', reasons: leaves(event.data.reasons) });
    }
    return found({ decision: 'deny', reasons: [] });
  });
}
