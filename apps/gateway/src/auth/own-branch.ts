import type { TreeView } from '@bailiwick/contracts/queries/query';

/** Reduces a tree to the view of one run's token: the run and its descendants, and ids and status of its ancestors. */
export function ownBranch(tree: TreeView, runId: string): TreeView {
  const root = tree.runs.find((run) => run.parentRunId === undefined);
  if (root?.id === runId) return tree;
  const below = branchOf(tree, runId);
  const line = lineAbove(tree, runId);
  const bare = ({ id, status }: { id: string; status: string }): { id: string; status: string } => ({ id, status });
  return {
    ...tree,
    runs: tree.runs.filter(({ id }) => below.has(id)),
    grants: tree.grants.filter((grant) => below.has(grant.runId)),
    // the view does not name the run that carried a label first, and this run must not read the labels of others
    labels: [],
    above: {
      runs: line.map(bare),
      grants: line.flatMap(({ id }) => tree.grants.filter((grant) => grant.runId === id).map(bare)),
    },
  };
}

/** Returns the ids of a run and its descendants. */
function branchOf({ runs }: TreeView, runId: string): ReadonlySet<string> {
  const children = new Map<string, string[]>();
  for (const { id, parentRunId } of runs)
    if (parentRunId !== undefined) children.set(parentRunId, [...(children.get(parentRunId) ?? []), id]);
  const branch = new Set([runId]);
  for (const id of branch) for (const child of children.get(id) ?? []) branch.add(child); // the loop visits members added during the iteration
  return branch;
}

/** Returns the ancestors of a run, nearest first. */
function lineAbove({ runs }: TreeView, runId: string): TreeView['runs'] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const line = new Map<string, TreeView['runs'][number]>();
  for (let id = byId.get(runId)?.parentRunId; id !== undefined && !line.has(id); id = byId.get(id)?.parentRunId) {
    const run = byId.get(id);
    if (run) line.set(id, run);
    else break;
  }
  return [...line.values()];
}
