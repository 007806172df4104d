import { approvalStatus } from '@bailiwick/authority/presentation/approval-status';
import { chainOf, type ApprovalNode, type LogState, type RunNode } from '@bailiwick/authority/state/state';
import type { RunTexts } from '@bailiwick/authority/presentation/views';
import type { EventOf } from '@bailiwick/contracts/event';
import { readWhereReadable } from '@bailiwick/contracts/payload';
import { LIMITS } from '@bailiwick/core/limits';
import type { Limits } from '@bailiwick/contracts/grant';
import type { ApprovalStatus, ApprovalView } from '@bailiwick/contracts/query';
import { approvalView, type ApprovalFacts } from './approval-view';
import { wordsAt, type WordsLog } from './run-texts';

const TRIED = ['ActionDenied', 'ActionStepUp', 'DelegationRefused'] as const;
const TRIED_MOST = 10;

/** An approval, the run that asks, and the limits that it has: none of them changes with the state any more. */
export interface Asked {
  readonly approval: ApprovalNode;
  /** in effect: what waits may have been revoked */
  readonly status: ApprovalStatus;
  readonly run: RunNode;
  readonly has: Limits | undefined;
  /** the question that it took the place of */
  readonly replaced: ApprovalNode | undefined;
  /** what a person had refused of the task before, newest first */
  readonly refused: readonly ApprovalNode[];
}

/** An approval as it is now, to be told once its words are there: until then more may be folded, and never written. */
export function askedNow(state: LogState, approval: ApprovalNode, now: number): Asked {
  const grantId = grantOf(approval);
  return {
    approval: { ...approval },
    status: approvalStatus(state, approval, now),
    run: state.runs.get(approval.runId) as RunNode,
    has: grantId === undefined ? undefined : chainOf(state, grantId)?.[0]?.limits,
    replaced: state.approvals.get(approval.replaces ?? ''),
    refused: refusedIn(state, approval),
  };
}

function refusedIn({ trees }: LogState, { treeId, kind, position }: ApprovalNode): ApprovalNode[] {
  const before = (trees.get(treeId)?.approvals ?? []).filter(
    (each) => each.status === 'denied' && each.kind === kind && each.position < position,
  );
  return before.slice(-LIMITS.refusalsShown).reverse();
}

/** The grant that it asks to raise, or that the action is to go by. */
export const grantOf = ({ supersedes, grantId }: ApprovalNode): string | undefined => supersedes ?? grantId;

/** The consent card of an approval, with all words that are still there. */
export async function approvalWords(
  eventlog: WordsLog,
  { log, tenant }: Pick<LogState, 'log' | 'tenant'>,
  { approval, status, run, has, replaced, refused }: Asked,
  texts: RunTexts,
  /** what was tried before this position; left out: all of it */
  before?: number,
): Promise<ApprovalView> {
  const tried = await eventlog.search({
    tenant,
    treeId: run.treeId,
    runId: run.id,
    type: TRIED,
    before,
    limit: TRIED_MOST,
    newestFirst: true,
  });
  const stepUpOf = async ({ actionId }: ApprovalNode): Promise<EventOf<'ActionStepUp'> | undefined> => {
    if (actionId === undefined) return undefined;
    const [found] = await eventlog.search({ tenant, actionId, type: 'ActionStepUp', limit: 1 });
    const event = found && readWhereReadable(found)?.event;
    return event?.type === 'ActionStepUp' ? event : undefined;
  };
  const [stepUp, ...then] = await Promise.all([approval, ...refused].map(stepUpOf));
  const positions = [
    approval.position,
    ...(stepUp ? [stepUp.position] : []),
    ...[approval, ...refused].flatMap(({ decidedPosition }) => decidedPosition ?? []),
  ];
  const words = await wordsAt(eventlog, log, positions);
  const facts: ApprovalFacts = {
    run,
    texts,
    stepUp,
    args: words(stepUp?.position).args,
    hidden: words(stepUp?.position).hidden,
    replaced,
    refused: refused.map((each, i) => ({
      approval: each,
      stepUp: then[i],
      note: words(each.decidedPosition).note,
    })),
    asked: words(approval.position),
    decided: words(approval.decidedPosition),
    tried: tried
      .flatMap((stored) => readWhereReadable(stored)?.event ?? [])
      .filter((event) => event.actionId !== approval.actionId || event.type === 'DelegationRefused'),
    has,
  };
  return approvalView(approval, status, facts);
}
