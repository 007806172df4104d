import { authorize } from '#authority/decide/authorize';
import { selectorFault } from '#authority/names';
import type { Rules } from '#authority/decide/types';
import { settledOf, type ApprovalNode, type LogState } from '#authority/state';
import { authorize as authorizeSchema, type Answer } from '#contracts/command';
import { query as querySchema } from '#contracts/query';
import type { Payloads } from '#eventlog/payloads';
import { LIMITS } from '#kernel/limits';
import { leaves } from '#platform/words/approval-view';
import { TELLING, tellApprovals, type Telling } from '#platform/words/views';
import { previewErasure } from './erasing';
import type { LogOwner } from './owner';
import type { OwnerLog } from './ports';
import { liveDigest } from './live-digest';

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
    case 'grant':
    case 'tree':
    case 'approval':
      return told(owner, eventlog, query);
    case 'approvals':
      return pending(owner, eventlog);
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
      return fault ? { ok: false, refusal: fault } : found(await owner.preview(query));
    }
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

/** What the state knows by this id; its words are read when the state has been. */
async function told(
  owner: LogOwner,
  eventlog: OwnerLog,
  { op, id }: { op: keyof typeof TELLING; id: string },
): Promise<Answer> {
  const tell: Telling<unknown> = TELLING[op];
  const view = await owner.read((state, now) => tell(eventlog, state, id, now));
  return view === undefined ? missing(op, id) : found(view);
}

async function pending(owner: LogOwner, eventlog: OwnerLog): Promise<Answer> {
  const items = await owner.read((state, now) => {
    const waiting = [...state.pendingByBinding.values()]
      .map((id) => state.approvals.get(id))
      .filter((approval) => approval !== undefined);
    return tellApprovals(eventlog, state, fairly(waiting).slice(0, LIMITS.eventsPageMax), now);
  });
  return found({ items, next: null });
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
