import type { ApprovalNode, LogState } from '../state/state';
import { grantView, runView } from './views';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { ApprovalView, TreeView } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import { consentCard, askedNow } from './consent-card';
import type { PayloadReader } from './payload-reader';
import { NO_TEXTS, runTexts } from './run-texts';

/**
 * Builds a view by id, with its payloads; undefined if the state does not contain it. The state is read synchronously
 * when the function is called, and not after payloads are awaited, so that concurrent folds do not affect the view.
 * @param now ms
 */
export type Viewer<View> = (
  reader: PayloadReader,
  state: LogState,
  id: string,
  now: number,
) => Promise<View | undefined>;

const showRun: Viewer<RunView> = async (reader, state, id, now) => {
  const run = state.runs.get(id);
  if (!run) return undefined;
  const view = runView(state, run, NO_TEXTS, now);
  return { ...view, ...(await runTexts(reader, state, [id])).get(id) };
};

/** A grant has no payloads. */
const showGrant: Viewer<GrantView> = (_reader, state, id, now) => {
  const grant = state.grants.get(id);
  return Promise.resolve(grant && grantView(state, grant, now));
};

export const showTree: Viewer<TreeView> = async (reader, state, id, now) => {
  const tree = state.trees.get(id);
  if (!tree) return undefined;
  const { log } = state;
  const position = state.next - 1;
  const members = tree;
  const runs = members.runs.map((run) => runView(state, run, NO_TEXTS, now));
  const grants = members.grants.map((grant) => grantView(state, grant, now));
  const labels = Object.keys(tree.labels);
  const texts = await runTexts(
    reader,
    state,
    runs.map((run) => run.id),
  );
  return { id, log, position, runs: runs.map((run) => ({ ...run, ...texts.get(run.id) })), grants, labels };
};

const showApproval: Viewer<ApprovalView> = async (reader, state, id, now) => {
  const approval = state.approvals.get(id);
  return approval && (await showApprovals(reader, state, [approval], now))[0];
};

/** Builds the views of several approvals, in order; the payloads of their runs are read together. */
export async function showApprovals(
  reader: PayloadReader,
  state: LogState,
  approvals: readonly ApprovalNode[],
  now: number,
): Promise<ApprovalView[]> {
  const all = approvals.map((approval) => askedNow(state, approval, now));
  const texts = await runTexts(reader, state, [...new Set(all.map(({ run }) => run.id))]);
  const cards: ApprovalView[] = [];
  // a few at a time, so that a long page does not occupy the database
  for (let at = 0; at < all.length; at += LIMITS.cardsAtOnce)
    cards.push(
      ...(await Promise.all(
        all
          .slice(at, at + LIMITS.cardsAtOnce)
          .map((asked) => consentCard(reader, state, asked, texts.get(asked.run.id) ?? NO_TEXTS)),
      )),
    );
  return cards;
}

/** The views available by id. */
export const VIEWERS = { run: showRun, grant: showGrant, tree: showTree, approval: showApproval };
