import type { LogState } from '../state/state';

/**
 * Makes a state forget a tree, whatever the time.
 * @throws if the tree is unknown or has not ended, so that it would not be forgotten
 */
export function forgetTree(state: LogState, treeId: string): void {
  if (!endedTrees(state).includes(treeId)) throw new Error(`tree ${treeId} is unknown or has not ended`);
  const maps: Map<string, { readonly treeId: string }>[] = [state.runs, state.grants, state.approvals];
  for (const map of maps) for (const [id, node] of map) if (node.treeId === treeId) map.delete(id);
  state.trees.delete(treeId);
}

/** Returns the ended trees: those without an open run, a permit in flight or a pending approval. */
export function endedTrees({ trees, runs, actions, approvals }: LogState): string[] {
  const open = ['pending', 'active', 'suspended'];
  const going = new Set([
    ...[...runs.values()].filter(({ status }) => open.includes(status)).map(({ treeId }) => treeId),
    ...[...actions.values()].map(({ treeId }) => treeId),
    ...[...approvals.values()].filter(({ status }) => status === 'pending').map(({ treeId }) => treeId),
  ]);
  return [...trees.keys()].filter((id) => !going.has(id));
}
