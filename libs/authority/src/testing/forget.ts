import type { LogState } from '../state/state';

/**
 * A state as it is once it has forgotten a tree, whatever the time.
 * @throws where something in the tree goes on, so that it would not be forgotten
 */
export function forgetTree(state: LogState, treeId: string): void {
  if (!endedTrees(state).includes(treeId)) throw new Error(`there is no ${treeId}, or it has not ended`);
  const maps: Map<string, { readonly treeId: string }>[] = [state.runs, state.grants, state.approvals];
  for (const map of maps) for (const [id, node] of map) if (node.treeId === treeId) map.delete(id);
  state.trees.delete(treeId);
}

/** The trees in which nothing goes on: no open run, nothing in flight, nothing that waits for a person. */
export function endedTrees({ trees, runs, actions, approvals }: LogState): string[] {
  const open = ['pending', 'active', 'suspended'];
  const going = new Set([
    ...[...runs.values()].filter(({ status }) => open.includes(status)).map(({ treeId }) => treeId),
    ...[...actions.values()].map(({ treeId }) => treeId),
    ...[...approvals.values()].filter(({ status }) => status === 'pending').map(({ treeId }) => treeId),
  ]);
  return [...trees.keys()].filter((id) => !going.has(id));
}
