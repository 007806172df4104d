import { asksState, type Words as AnswerWords } from '@bailiwick/authority/presentation/responses';
import type { ApprovalNode, LogState } from '@bailiwick/authority/state/state';
import type { Event } from '@bailiwick/contracts/events/event';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import { treeState } from '@bailiwick/platform/logs/tree-state';
import type { ArchivedTreeLoader } from '@bailiwick/platform/logs/archived-tree-loader';
import { shownStatus } from '@bailiwick/authority/presentation/approval-status';
import { consentCard, askedNow } from '@bailiwick/authority/presentation/consent-card';
import { NO_TEXTS, runTexts } from '@bailiwick/authority/presentation/run-texts';
import type { OwnerLog } from './ports';

/** Longer than any client waits for a response. */
const RESPONSE_MS = 60_000;

/**
 * Returns a state that holds the tree of these events for as long as the response takes: a refolded state of the tree
 * alone if the owner has archived the tree, or may archive it in the meantime.
 * @throws QueueFullError if too many requests wait for archived trees
 */
export function stateForResponse(
  eventlog: OwnerLog,
  state: LogState,
  events: readonly Event[],
  archivedTrees: ArchivedTreeLoader,
): LogState | Promise<LogState> {
  const treeId = events.find((event) => event.treeId !== undefined)?.treeId;
  if (treeId === undefined || !asksState(events)) return state;
  const tree = state.trees.get(treeId);
  const leavesAt = tree && (tree.quietAt ?? Infinity) + LIMITS.endedKeptMs - RESPONSE_MS;
  if (leavesAt !== undefined && state.lastTime < leavesAt) return state;
  return archivedTrees.take(treeId, () => treeState(state, eventlog, treeId));
}

/**
 * Reads the texts that a response shows from the payloads of events. They are never part of the state, so erasing them
 * changes no decision. The decision on an action needs none.
 */
export async function textsFor(
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
        await consentCard(
          eventlog,
          state,
          {
            ...askedNow(state, then, then.requestedAt, at),
            // a retry gets the original response, whatever has been revoked since
            status: shownStatus(then),
            // the lease as it was at the request, not its later replacement, renewal or narrowing
            has: then.held?.limits,
            narrowed: then.held?.narrowed,
            // the manifest of that time is not kept; the card that a person reads states the one in force
            manifest: undefined,
            // nor the policy about approvals, and the requests like it
            terms: undefined,
            alike: undefined,
          },
          texts.get(then.runId) ?? NO_TEXTS,
          at,
        ),
      );
  }
  return { run: (id) => texts.get(id) ?? NO_TEXTS, approval: (id) => approvals.get(id) };
}

/** Returns an approval as it was at a position: a retry gets the original response. */
function asOf(approval: ApprovalNode, at: number): ApprovalNode {
  const { decidedPosition, status } = approval;
  if (decidedPosition === undefined || decidedPosition > at)
    return {
      ...approval,
      answers: approval.answers?.filter(({ position }) => position <= at),
      ...{ status: 'pending', by: undefined, decidedAt: undefined, decidedPosition: undefined },
      ...{ scope: undefined, breakGlass: undefined },
    };
  // one that was withdrawn while it waited has no answer
  const isAnswer = status === 'used' || (status === 'withdrawn' && decidedPosition === at && approval.by !== undefined);
  return { ...approval, status: isAnswer ? 'approved' : status };
}
