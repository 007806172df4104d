import { chainOf, type ApprovalNode, type LogState, type RunNode } from '#authority/state';
import type { RunTexts } from '#authority/views';
import { parseEvent } from '#contracts/event';
import type { Limits } from '#contracts/grant';
import type { ApprovalView } from '#contracts/query';
import { approvalView, type ApprovalFacts } from './approval-view';
import { wordsAt, type WordsLog } from './run-texts';

const TRIED = ['ActionDenied', 'ActionStepUp', 'DelegationRefused'] as const;
const TRIED_MOST = 10;

/** An approval, the run that asks, and the limits that it has: none of them changes with the state any more. */
export interface Asked {
  readonly approval: ApprovalNode;
  readonly run: RunNode;
  readonly has: Limits | undefined;
}

/** An approval as it is now, to be told once its words are there: until then more may be folded, and never written. */
export function askedNow(state: LogState, approval: ApprovalNode): Asked {
  const grantId = grantOf(approval);
  return {
    approval: { ...approval },
    run: state.runs.get(approval.runId) as RunNode,
    has: grantId === undefined ? undefined : chainOf(state, grantId)?.[0]?.limits,
  };
}

/** The grant that it asks to raise, or that the action is to go by. */
export const grantOf = ({ supersedes, grantId }: ApprovalNode): string | undefined => supersedes ?? grantId;

/** The consent card of an approval, with all words that are still there. */
export async function approvalWords(
  eventlog: WordsLog,
  { log, tenant }: Pick<LogState, 'log' | 'tenant'>,
  { approval, run, has }: Asked,
  texts: RunTexts,
  now: number,
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
  const asked =
    approval.actionId === undefined
      ? []
      : await eventlog.search({ tenant, actionId: approval.actionId, type: 'ActionStepUp', limit: 1 });
  const stepUp = asked[0] ? parseEvent(asked[0].body) : undefined;
  const positions = [
    approval.position,
    ...(stepUp ? [stepUp.position] : []),
    ...(approval.decidedPosition === undefined ? [] : [approval.decidedPosition]),
  ];
  const words = await wordsAt(eventlog, log, positions);
  const facts: ApprovalFacts = {
    run,
    texts,
    stepUp: stepUp?.type === 'ActionStepUp' ? stepUp : undefined,
    args: words(stepUp?.position).args,
    asked: words(approval.position),
    decided: words(approval.decidedPosition),
    tried: tried
      .map((event) => parseEvent(event.body))
      .filter((event) => event.actionId !== approval.actionId || event.type === 'DelegationRefused'),
    has,
  };
  return approvalView(approval, facts, now);
}
