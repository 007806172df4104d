import type { TreeView } from '@bailiwick/contracts/query';

/** What a run's own token reads of its tree: itself and what is below it; of what is above it, ids and status alone. */
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
    // which run of the tree carried a label first is not in the view: those of others are not this run's to read
    labels: [],
    above: {
      runs: line.map(bare),
      grants: line.flatMap(({ id }) => tree.grants.filter((grant) => grant.runId === id).map(bare)),
    },
  };
}

/** The run and all below it. */
function branchOf({ runs }: TreeView, runId: string): ReadonlySet<string> {
  const children = new Map<string, string[]>();
  for (const { id, parentRunId } of runs)
    if (parentRunId !== undefined) children.set(parentRunId, [...(children.get(parentRunId) ?? []), id]);
  const branch = new Set([runId]);
  for (const id of branch) for (const child of children.get(id) ?? []) branch.add(child); // a set is walked as it grows
  return branch;
}

/** The runs above a run, the nearest first. */
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
