import type { Words as AnswerWords } from '#authority/answer';
import { chainOf, type ApprovalNode, type LogState, type RunNode } from '#authority/state';
import type { RunTexts } from '#authority/views';
import { parseEvent } from '#contracts/event';
import type { Limits } from '#contracts/grant';
import { readStored, type Words } from '#contracts/payload';
import type { ApprovalView } from '#contracts/query';
import { approvalView, type ApprovalFacts } from './approval-view';
import type { OwnerLog } from './ports';

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
          { approval: then, has: state.grants.get(grantOf(then) ?? '')?.limits },
          texts.get(then.runId) ?? NO_TEXTS,
          then.requestedAt,
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

const NO_TEXTS: RunTexts = { purpose: null, requestedBy: null };

/** Purpose and person of each run. A child's person is the root's; its purpose its own, or else its parent's. */
export async function runTexts(
  eventlog: OwnerLog,
  state: LogState,
  ids: readonly string[],
): Promise<Map<string, RunTexts>> {
  const lines = new Map(ids.map((id) => [id, lineOf(state, id)]));
  const positions = [...new Set([...lines.values()].flat().map((run) => run.position))];
  if (positions.length === 0) return new Map();
  const words = await wordsAt(eventlog, state.log, positions);
  const value = (run: RunNode): Words => words(run.position);
  return new Map(
    [...lines].map(([id, line]) => {
      const values = line.map(value);
      const first = (key: string): string | null =>
        (values.map((each) => each[key]).find((text) => typeof text === 'string') as string) ?? null;
      const own = values[0] ?? {};
      const task = typeof own.task === 'string' ? { task: own.task } : {};
      return [id, { purpose: first('purpose'), requestedBy: first('requestedBy'), ...task }];
    }),
  );
}

/** The run and the runs it came from, itself first. */
function lineOf(state: LogState, id: string): RunNode[] {
  const line: RunNode[] = [];
  for (
    let run = state.runs.get(id);
    run;
    run = run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId)
  )
    line.push(run);
  return line;
}

/** What stands beside the events at these positions; empty where it was erased, or is not what its event names. */
async function wordsAt(
  eventlog: OwnerLog,
  log: string,
  positions: readonly number[],
): Promise<(position: number | undefined) => Words> {
  const found = new Map(
    (await eventlog.at(log, positions)).map((stored) => [stored.position, readStored(stored).payload]),
  );
  return (position) => (position === undefined ? undefined : found.get(position)) ?? {};
}

const TRIED = ['ActionDenied', 'ActionStepUp', 'DelegationRefused'] as const;
const TRIED_MOST = 10;

/** An approval, and the limits that its run has: neither changes with the state any more. */
export interface Asked {
  readonly approval: ApprovalNode;
  readonly has: Limits | undefined;
}

/** An approval as it is now, to be told once its words are there: until then more may be folded, and never written. */
export function askedNow(state: LogState, approval: ApprovalNode): Asked {
  const grantId = grantOf(approval);
  return { approval: { ...approval }, has: grantId === undefined ? undefined : chainOf(state, grantId)?.[0]?.limits };
}

/** The grant that it asks to raise, or that the action is to go by. */
const grantOf = ({ supersedes, grantId }: ApprovalNode): string | undefined => supersedes ?? grantId;

export async function approvalWords(
  eventlog: OwnerLog,
  state: LogState,
  { approval, has }: Asked,
  texts: RunTexts,
  now: number,
  /** what was tried before this position; left out: all of it */
  before?: number,
): Promise<ApprovalView> {
  const { tenant } = state;
  const tried = await eventlog.search({
    tenant,
    treeId: state.runs.get(approval.runId)?.treeId,
    runId: approval.runId,
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
  const words = await wordsAt(eventlog, state.log, positions);
  const facts: ApprovalFacts = {
    run: state.runs.get(approval.runId) as RunNode,
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
