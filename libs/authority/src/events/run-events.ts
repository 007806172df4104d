import { isPerson } from '../approvals/people';
import { newTree, type RunNode } from '../state/state';
import { starts, join } from './ended';
import { CorruptLog, follows, must, runOf, treeOf, type Fold } from './follows';

export const runOpened: Fold<'RunOpened'> = (state, event, at) => {
  const { data } = event;
  const above = data.parentRunId === undefined ? undefined : state.runs.get(data.parentRunId);
  const run: RunNode = {
    id: must(event.runId, 'runId', event),
    treeId: above?.treeId ?? must(event.treeId, 'treeId', event),
    parentRunId: above?.id ?? data.parentRunId,
    agent: state.shared.of(data.agent),
    principalRef: state.shared.of(data.principalRef),
    purposeRef: state.shared.of(data.purposeRef),
    openedBy: isPerson(event.actor) ? state.shared.of(event.actor.id) : undefined,
    startedAt: at,
    position: event.position,
    status: 'pending',
    grantId: undefined,
    approvedBy: undefined,
    approvers: undefined,
    endedAt: undefined,
    endReason: undefined,
    drift: 0,
    pendingApprovals: 0,
    ...(data.regrants ? { regrants: data.regrants } : {}),
  };
  if (state.runs.has(run.id)) throw new CorruptLog(`run ${run.id} is opened twice`);
  const fits = data.parentRunId === undefined ? !state.trees.has(run.treeId) : above?.treeId === event.treeId;
  follows(fits, 'its tree', event);
  state.runs.set(run.id, run);
  if (!state.trees.has(run.treeId)) state.trees.set(run.treeId, newTree({ id: run.treeId, rootRunId: run.id }));
  join(treeOf(state, event), 'runs', run);
  state.openChildren.opened(run);
  if (data.regrants) state.regranted.set(data.regrants.grantId, run.id);
  starts(state, run.treeId);
};

export const driftScored: Fold<'DriftScored'> = (state, event) => {
  // a late report must not loosen a later one that was stricter; only a person may do so by resuming
  const run = runOf(state, event);
  run.drift = Math.max(run.drift, event.data.score);
};
