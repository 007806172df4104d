import { alikeOf, type Alike } from '../approvals/alike';
import { shownTerms, type ShownTerms } from '../approvals/terms';
import { askedBeyond } from '../manifests/limited-by';
import { approvalStatus } from './approval-status';
import { chainOf, type ApprovalNode, type LogState, type NarrowedNode, type RunNode } from '../state/state';
import type { RunTexts } from './views';
import type { EventOf } from '@bailiwick/contracts/events/event';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import { LIMITS } from '@bailiwick/core/limits';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { ApprovalStatus, ApprovalView } from '@bailiwick/contracts/queries/query';
import { approvalView, type ApprovalFacts } from './approval-view';
import { payloadsAt, type PayloadReader } from './payload-reader';

const TRIED = ['ActionDenied', 'ActionStepUp', 'DelegationRefused'] as const;
const TRIED_MOST = 10;

/** An approval, the requesting run, and its limits: a copy that later folds do not change. */
export interface Asked {
  readonly approval: ApprovalNode;
  /** the effective status: a pending request may have been revoked */
  readonly status: ApprovalStatus;
  readonly run: RunNode;
  readonly has: Limits | undefined;
  /** the last narrowing of the lease of the run */
  readonly narrowed: NarrowedNode | undefined;
  /** the run that would have this one as its child, for the first lease of a child */
  readonly parent: RunNode | undefined;
  /** the request that it replaced */
  readonly replaced: ApprovalNode | undefined;
  /** what the manifest of its class adds to the card */
  readonly manifest: string | undefined;
  /** pending: how many people approved, and who may, by the policy in force */
  readonly terms: ShownTerms | undefined;
  /** pending calls like it in the task */
  readonly alike: Alike | undefined;
  /** earlier refusals by a person in the task, newest first */
  readonly refused: readonly ApprovalNode[];
}

/**
 * Copies an approval as it is now: more events may be folded while its payloads are read.
 * @param before only earlier refusals that a person gave before this position; default: all
 */
export function askedNow(state: LogState, approval: ApprovalNode, now: number, before = Infinity): Asked {
  const grantId = grantOf(approval);
  const held = grantId === undefined ? undefined : chainOf(state, grantId)?.[0];
  return {
    approval: { ...approval },
    status: approvalStatus(state, approval, now),
    run: state.runs.get(approval.runId) as RunNode,
    has: held?.limits,
    narrowed: state.narrowed.get(held?.id ?? ''),
    parent: approval.kind === 'grant' ? state.runs.get(state.runs.get(approval.runId)?.parentRunId ?? '') : undefined,
    replaced: state.approvals.get(approval.replaces ?? ''),
    manifest: askedBeyond(state, approval, now),
    terms: approval.status === 'pending' ? shownTerms(state, approval) : undefined,
    alike: alikeOf(state, approval),
    refused: refusedIn(state, approval, before),
  };
}

function refusedIn({ trees }: LogState, { treeId, kind, position }: ApprovalNode, until: number): ApprovalNode[] {
  const before = (trees.get(treeId)?.approvals ?? []).filter(
    (each) =>
      each.status === 'denied' && each.kind === kind && each.position < position && (each.decidedPosition ?? 0) < until,
  );
  return before.slice(-LIMITS.refusalsShown).reverse();
}

/** Returns the grant that an escalation would raise, or that the action uses. */
export const grantOf = ({ supersedes, grantId }: ApprovalNode): string | undefined => supersedes ?? grantId;

/** Builds the consent card of an approval, with all payloads that still exist. */
export async function consentCard(
  reader: PayloadReader,
  { log, tenant }: Pick<LogState, 'log' | 'tenant'>,
  { approval, status, run, has, narrowed, parent, replaced, manifest, terms, alike, refused }: Asked,
  texts: RunTexts,
  /** only attempts before this position; default: all */
  before?: number,
): Promise<ApprovalView> {
  const tried = await reader.search({
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
    const [found] = await reader.search({ tenant, actionId, type: 'ActionStepUp', limit: 1 });
    const event = found && readWhereReadable(found)?.event;
    return event?.type === 'ActionStepUp' ? event : undefined;
  };
  const [stepUp, ...then] = await Promise.all([approval, ...refused].map(stepUpOf));
  const positions = [
    approval.position,
    ...(stepUp ? [stepUp.position] : []),
    ...[approval, ...refused].flatMap(({ decidedPosition }) => decidedPosition ?? []),
  ];
  const payloads = await payloadsAt(reader, log, positions);
  const facts: ApprovalFacts = {
    run,
    parent,
    texts,
    stepUp,
    args: payloads(stepUp?.position).args,
    hidden: payloads(stepUp?.position).hidden,
    replaced,
    refused: refused.map((each, i) => ({
      approval: each,
      stepUp: then[i],
      note: payloads(each.decidedPosition).note,
    })),
    asked: payloads(approval.position),
    decided: payloads(approval.decidedPosition),
    tried: tried
      .flatMap((stored) => readWhereReadable(stored)?.event ?? [])
      .filter((event) => event.actionId !== approval.actionId || event.type === 'DelegationRefused'),
    has,
    narrowed,
    manifest,
    terms,
    alike,
  };
  return approvalView(approval, status, facts);
}
