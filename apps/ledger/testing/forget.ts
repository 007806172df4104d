import { isOpen } from '#authority/evolve/endings';
import type { LogState } from '#authority/state';

/**
 * The state as it is once a tree has ended long ago: it knows nothing of it.
 * @throws where the tree has not ended, and would not be forgotten
 */
export function forgetTree(state: LogState, treeId: string): void {
  const open = state.order.find((grant) => grant.treeId === treeId && isOpen(grant.status));
  if (open) throw new Error(`${treeId} has not ended: ${open.id} is ${open.status}`);
  if (!state.trees.delete(treeId)) throw new Error(`there is no ${treeId}`);
  drop(state.runs, treeId);
  drop(state.grants, treeId);
  drop(state.approvals, treeId);
  const kept = state.order.filter((grant) => grant.treeId !== treeId);
  state.order.splice(0, state.order.length, ...kept);
}

function drop(map: Map<string, { readonly treeId: string }>, treeId: string): void {
  for (const [id, node] of map) if (node.treeId === treeId) map.delete(id);
}
