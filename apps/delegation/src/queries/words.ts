import { asksState, type Words as AnswerWords } from '@bailiwick/authority/presentation/responses';
import type { ApprovalNode, LogState } from '@bailiwick/authority/state/state';
import type { Event } from '@bailiwick/contracts/event';
import type { ApprovalView } from '@bailiwick/contracts/query';
import { LIMITS } from '@bailiwick/core/limits';
import { treeState } from '@bailiwick/platform/tree-state';
import type { ArchivedTreeLoader } from '@bailiwick/platform/archived-tree-loader';
import { approvalWords, askedNow, grantOf } from '@bailiwick/platform/words/approval-words';
import { NO_TEXTS, runTexts } from '@bailiwick/platform/words/run-texts';
import type { OwnerLog } from '../log-owner/ports';

/**
 * A state that knows what these events are of, for as long as it takes to tell it: the tree alone where it is forgotten,
 * or may be in the midst of that.
 * @throws Busy where too many wait
 */
export function stateToTell(
  eventlog: OwnerLog,
  state: LogState,
  events: readonly Event[],
  archivedTrees: ArchivedTreeLoader,
): LogState | Promise<LogState> {
  const treeId = events.find((event) => event.treeId !== undefined)?.treeId;
  if (treeId === undefined || !asksState(events)) return state;
  const tree = state.trees.get(treeId);
  const leavesAt = tree && (tree.quietAt ?? Infinity) + LIMITS.endedKeptMs - TELLING_MS;
  if (leavesAt !== undefined && state.lastTime < leavesAt) return state;
  return archivedTrees.take(treeId, () => treeState(state, eventlog, treeId));
}
/** nobody waits that long for an answer */
const TELLING_MS = 60_000;

/**
 * Fetches the words that stand in payloads beside the events: never part of the state, so that erasing them changes no
 * decision. Only answers that show them ask; the decision on an action never does.
 */
export async function wordsFor(
  eventlog: OwnerLog,
  state: LogState,
  needed: { runs: readonly string[]; approvals: readonly { id: string; at: number }[] },
): Promise<AnswerWords> {
  const approvals = new Map<string, ApprovalView>();
  const runIds = new Set(needed.runs);
  for (const { id } of needed.approvals) {
    const approval = state.approvals.get(id);
    if (approval) runIds.add(approval.runId);
  }
  const texts = await runTexts(eventlog, state, [...runIds]);
  for (const { id, at } of needed.approvals) {
    const approval = state.approvals.get(id);
    const then = approval && asOf(approval, at);
    if (then)
      approvals.set(
        id,
        await approvalWords(
          eventlog,
          state,
          // of the grant that was raised, and not of what has stood in for it since
          {
            ...askedNow(state, then, then.requestedAt),
            // a retry is answered as the first try was, whatever has been revoked since
            status: then.status,
            has: state.grants.get(grantOf(then) ?? '')?.limits,
          },
          texts.get(then.runId) ?? NO_TEXTS,
          at,
        ),
      );
  }
  return { run: (id) => texts.get(id) ?? NO_TEXTS, approval: (id) => approvals.get(id) };
}

/** An approval as it was at a position: a retry is told what the first try was. */
function asOf(approval: ApprovalNode, at: number): ApprovalNode {
  const { decidedPosition, status } = approval;
  if (decidedPosition === undefined || decidedPosition > at)
    return { ...approval, status: 'pending', by: undefined, decidedAt: undefined, decidedPosition: undefined };
  return { ...approval, status: status === 'used' ? 'approved' : status };
}
